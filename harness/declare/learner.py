"""A learner: make a state, take a step, give the meta-gradient, adapt, evaluate.

State goes in and comes out; nothing that was passed in is changed. A step takes a whole batch of
tasks, so that a learner may couple, batch or distribute them. Training, timing, checking and
evaluating are written once over this interface and know no family.

Where several ranks share the work (`workload.place.team`), all of them make the same calls with the
same arguments in the same order, and each returns the whole result; only what `adapt` returns may
be the rank's own part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from harness.declare.equivalence import Equivalence, Exact
from harness.declare.workload import Workload

Params = dict[str, Tensor]


class Variant(NamedTuple):
    """One of several ways to set a learner, which a study compares with the others."""

    settings: dict[str, Any]
    known_as: str = ""
    """What it is called where others have published it."""
    full: bool = False
    """Whether it leaves nothing out: the oracle's own adaptation, which all others are held to."""
    means: str = ""
    """What it does, in a few words, where its name is a code."""


class Gradient(NamedTuple):
    """The meta-gradient of a batch and the loss that it is of."""

    loss: Tensor
    grads: Params


@dataclass(frozen=True)
class Learner(ABC):
    """An implementation of a meta-learner for one workload. Its settings are its fields."""

    workload: Any

    name: ClassVar[str] = ""  # until a decorator of the registry gives one
    kind: ClassVar[str]
    family: ClassVar[str]
    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Settings at which the learner must fall back to the family's oracle exactly."""
    origin: ClassVar[str] = "known"
    """"known" from a published definition, or "reconstructed" from an abstract."""
    peer: ClassVar[str | None] = None
    """The package that does the work, if it is not ours."""
    shares: ClassVar[bool] = False
    """Whether ranks share its work; each rank of another one would do the whole of it."""

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that a random problem must have for a learner of these settings."""
        return {}

    @abstractmethod
    def init(self, seed: int) -> Any:
        """Return the initial state; the weights depend on the workload and the seed alone."""

    @abstractmethod
    def step(self, state: Any, batch: Any) -> tuple[Any, Tensor]:
        """Return the state after one meta-step on the batch, and its loss, not yet synchronised."""

    @abstractmethod
    def meta_gradient(self, state: Any, batch: Any) -> Gradient:
        """Return what a step would feed to its outer optimizer."""

    @abstractmethod
    def adapt(self, state: Any, batch: Any) -> Any:
        """Return what the batch's tasks are solved with after adaptation, one by one or all.

        It is timed on training batches, and judged by `evaluate` on held-out ones.
        """

    @abstractmethod
    def evaluate(self, state: Any, batch: Any) -> Tensor:
        """Return the quality on each task of the batch, in the workload's metric."""

    def variants(self) -> dict[str, Variant]:
        """Return by name what a study of the learner compares; exactly one of them is full."""
        return {}

    @property
    def one_training(self) -> bool:
        """Whether one training serves all variants, which then differ in adaptation alone."""
        return False

    def watched(self, state: Any) -> dict[str, float]:
        """Return numbers of the state, beside the weights, that a learning curve keeps."""
        return {}

    def preparations(self) -> Sequence[float]:
        """Return the seconds of each compilation, capture or graph that was made once and kept."""
        return ()

    def fast_paths(self) -> dict[str, str]:
        """Say which of the learner's fast paths really run here."""
        return {}


def workload_of(learner: Learner) -> Workload:
    return learner.workload  # type: ignore[no-any-return]  # families narrow the field's type
