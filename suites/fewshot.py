"""The few-shot family: tasks of a support and a query set, a network, a loss and a quality."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, vmap

from harness.declare.learner import Params
from harness.declare.workload import Metric, Workload
from harness.seeds import derive


@dataclass(frozen=True)
class Tasks:
    """A batch of tasks; every tensor's first dimension counts them."""

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor

    def __len__(self) -> int:
        return len(self.support_x)

    def __iter__(self) -> Iterator[Tasks]:
        """Yield the tasks one after another, without the counting dimension."""
        for i in range(len(self)):
            yield Tasks(self.support_x[i], self.support_y[i], self.query_x[i], self.query_y[i])


@dataclass(frozen=True)
class FewShot(Workload):
    """What every few-shot workload shares; the defaults are those of learn2learn's examples."""

    meta_batch: int = 32
    inner_steps: int = 1
    inner_lr: float = 0.5
    outer_lr: float = 3e-3
    outer_cosine: int = 0
    """Meta-steps over which the outer rate falls to nothing, along a cosine; 0 keeps it."""
    first_order: bool = False

    family: ClassVar[str] = "maml"

    def __post_init__(self) -> None:
        if self.outer_cosine < 0:
            raise ValueError(f"outer_cosine = {self.outer_cosine} must be at least 0")
        # The skeleton is made here, since it can't be made inside torch.func's transforms.
        buffers = [name for name, _ in self.skeleton.named_buffers()]
        if buffers:
            raise ValueError(
                f"the network has buffers (such as {buffers[0]}): all tasks of a batch would share "
                "and change them, so a gradient would depend on earlier tasks. Use a network "
                "without buffers: give BatchNorm track_running_stats=False."
            )

    @property
    def example_shape(self) -> tuple[int, ...] | None:
        """The shape of every example; None where the network takes examples of any."""
        return None

    @property
    def task_set(self) -> int | None:
        """How many tasks training goes round, each with new examples; None where it has no end."""
        return None

    @abstractmethod
    def network(self) -> nn.Module:
        """Return a fresh network; its weights will be replaced."""

    @abstractmethod
    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        """Return tasks start to start + count of a split, a pure function of the arguments."""

    def outer_rate(self, taken: int) -> float:
        """Return the rate of the outer step after so many."""
        if not self.outer_cosine:
            return self.outer_lr
        done = min(taken / self.outer_cosine, 1.0)
        return self.outer_lr * (1 + math.cos(math.pi * done)) / 2

    @abstractmethod
    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of a task's outputs."""

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return every task's loss; a workload whose loss can't be mapped has its own way."""
        losses: Tensor = vmap(self.loss)(outputs, y)
        return losses

    @abstractmethod
    def quality(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the metric of a task's outputs."""

    @cached_property
    def skeleton(self) -> nn.Module:
        """The network that parameters are put into; it has no weights of its own."""
        with torch.device("meta"):  # so that no weight is drawn from the global generator
            return self.network().to(self.place.torch_dtype)

    def module(self) -> nn.Module:
        """Return a network of its own, with memory for weights but nothing in it yet."""
        with torch.device("meta"):
            return self.network().to(self.place.torch_dtype).to_empty(device=self.place.device)

    def outputs(self, params: Params, x: Tensor) -> Tensor:
        result: Tensor = functional_call(self.skeleton, params, (x,))
        return result

    def stretch(self, params: Params, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Run the stages start to stop alone, of a network that is made of stages."""
        result: Tensor = functional_call(self.skeleton, params, (x, start, stop), tie_weights=False)
        return result

    def initial(self, seed: int) -> Params:
        """Draw in float32 on the CPU whatever the place, so that every place starts alike."""
        with torch.device("meta"):
            network = self.network()
        network.to_empty(device="cpu")
        self.initialise(network, torch.Generator().manual_seed(derive(seed, "weights")))
        return {
            name: value.detach().to(self.place.device, self.place.torch_dtype)
            for name, value in network.named_parameters()
        }

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw a network's weights from this generator alone."""
        network.initialise(generator)  # type: ignore[operator]  # all of ours have it

    def train_batch(self, seed: int, index: int) -> Tasks:
        return self.tasks(seed, "train", index * self.meta_batch, self.meta_batch)

    def eval_batch(self, seed: int, split: str, start: int, count: int) -> Tasks:
        return self.tasks(seed, split, start, count)


@dataclass(frozen=True)
class Classification(FewShot):
    """Few-shot classification: cross entropy, judged by accuracy."""

    ways: int = 5
    shots: int = 1
    queries: int = 1
    """Query examples a class while training; learn2learn's examples take as many as shots."""
    eval_queries: int = 5

    metric: ClassVar[Metric] = Metric("accuracy", higher_is_better=True)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs, y)

    def quality(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs.argmax(-1) == y).to(outputs.dtype).mean()


@dataclass(frozen=True)
class DrawnClasses(Classification):
    """Classes are drawn from a pool, and examples of each: the first of them support."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, split: str, examples: int) -> NDArray[np.float32]:
        """Draw the images of one task: [ways, examples, channels, height, width]."""

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        queries = self.queries if split == "train" else self.eval_queries
        drawn = np.stack(
            [
                self.sample(
                    np.random.default_rng(derive(seed, "task", split, index)),
                    split,
                    self.shots + queries,
                )
                for index in range(start, start + count)
            ]
        )
        images = torch.from_numpy(drawn).to(self.place.device, self.place.torch_dtype)
        labels = torch.arange(self.ways, device=self.place.device)
        return Tasks(
            support_x=images[:, :, : self.shots].flatten(1, 2),
            support_y=labels.repeat_interleave(self.shots).expand(count, -1).contiguous(),
            query_x=images[:, :, self.shots :].flatten(1, 2),
            query_y=labels.repeat_interleave(queries).expand(count, -1).contiguous(),
        )
