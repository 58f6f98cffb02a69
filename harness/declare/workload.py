"""A workload: a stream of tasks, a model, a quality metric and a target.

Tasks are a pure function of (seed, split, index): any process can make its own slice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from harness.declare.convergence import ConvergencePoint
from harness.team.communicator import Alone, Communicator

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Place:
    """Where tensors live, what they are made of, and with whom the work is shared."""

    device: str = "cpu"
    dtype: str = "float32"
    data_dir: str | None = None
    team: Communicator = field(default_factory=Alone, compare=False, repr=False)

    @property
    def torch_dtype(self) -> torch.dtype:
        import torch

        return {"float32": torch.float32, "float64": torch.float64}[self.dtype]


@dataclass(frozen=True)
class Metric:
    """What quality means on a workload."""

    name: str
    higher_is_better: bool


@dataclass(frozen=True)
class Workload(ABC):
    """What the members of a pair must both do. Its settings are its fields."""

    place: Place = Place()

    name: ClassVar[str] = ""  # until a decorator of the registry gives one
    family: ClassVar[str]
    metric: ClassVar[Metric]
    held_out_shared: ClassVar[bool] = False
    """Whether held-out tasks are the same for every seed, like the examples of one test set."""

    @property
    @abstractmethod
    def data(self) -> str:
        """The data that the tasks are really made of."""

    @property
    def stands_in_for(self) -> str | None:
        """The data that papers use and that these are in place of, if they are."""
        return None

    @property
    def chance(self) -> float | None:
        """The quality of guessing, where it is known."""
        return None

    @property
    def samples(self) -> int | None:
        """How many training examples a step works on, where that is what throughput counts."""
        return None

    @property
    def parameters(self) -> int | None:
        """How many parameters the model has that memory is to be held against."""
        return None

    @property
    def converges(self) -> ConvergencePoint | None:
        """What is published of baselines on exactly these tasks and this network."""
        return None

    @abstractmethod
    def initial(self, seed: int) -> dict[str, torch.Tensor]:
        """Return the initial meta-parameters, a pure function of the seed."""

    @abstractmethod
    def train_batch(self, seed: int, index: int) -> Any:
        """Return the index-th training batch."""

    @abstractmethod
    def eval_batch(self, seed: int, split: str, start: int, count: int) -> Any:
        """Return held-out tasks start to start + count of the split "valid" or "test"."""
