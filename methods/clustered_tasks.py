"""Training in clusters: every meta-update is taken on tasks that are alike.

Pimpalkhute, Pandit, Mishra and Singhal (arXiv 2110.14459) state that training tasks in clusters is
faster and improves the model; their abstract does not say how. Reconstructed: a batch of N tasks is
not one meta-update but M of them, and what differs is which tasks share one.

    c(i)        the cluster of task i, of at most K                    methods.task_clusters
    B_1 .. B_M  the N tasks dealt out, each once, and each B_u from one cluster alone; a cluster has
                m_k >= 1 of them, sum m_k = M, so that their sizes come as near to N / M as can be
    w_u     =   outer(w_{u-1}, mean over B_u of the tasks' gradients at w_{u-1})      u = 1 .. M

With one cluster B_1 .. B_M are the batch cut into M equal stretches: mixed training, which takes
the same tasks, as often, in as many meta-updates. With M = 1 too it is the inner learner's step on
the batch. A step's meta-gradient is the mean over tasks of their gradients, each at the weights
that its meta-update began with; its loss likewise.

What was open, and how each choice is set. How many clusters at most: `clusters`. How many
meta-updates a batch is: `updates`. Whether clusters take turns, each in line with its share of the
tasks, or one follows another: `schedule`. What of their behaviour makes tasks alike, gradients,
early losses or both: `features`. Which runs of k-means are drawn: `seed`. Who takes the
meta-updates: `inner`. What behaviour is, and what else may make tasks alike, depends on the tasks:
methods.clustered_maml, methods.clustered_hrnn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Learner
from harness.errors import UsageError
from methods.task_clusters import Labels, Schedule, by_features, meta_batches

Members = list[int]


@dataclass(frozen=True)
class ClusteredTasks(Learner):
    """What training in clusters is, whatever the tasks are."""

    clusters: int = 4
    """Most clusters of a batch; 1 is mixed training."""
    updates: int = 4
    """Meta-updates that a batch's tasks are dealt out to."""
    schedule: Schedule = "turns"
    """Whether clusters take turns, or one follows another."""
    features: Literal["gradient", "loss", "both"] = "both"
    """What of its behaviour a task is put into a cluster by."""
    seed: int = 0
    """Of the points that k-means begins at."""

    equivalence: ClassVar[Equivalence] = Approximate(definition="definition")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"clusters": 1, "updates": 1},)
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        _ = self.one  # what is missing or misnamed is told before any work
        self._require(self.workload.meta_batch)

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for more tasks than meta-updates, which these don't share evenly."""
        return {"meta_batch": int(settings.get("updates", cls.updates)) + 2}

    @property
    @abstractmethod
    def one(self) -> Any:
        """The inner learner, which takes the meta-updates."""

    @abstractmethod
    def labels(self, state: Any, batch: Any) -> Labels:
        """Return the clusters of a batch's tasks."""

    @abstractmethod
    def begun(self, state: Any, labels: Labels) -> Any:
        """Return the state that a step of these clusters begins with."""

    @abstractmethod
    def part(self, state: Any, batch: Any, members: Members) -> tuple[Any, Any]:
        """Return the inner learner's state for some tasks of a batch, and these."""

    @abstractmethod
    def whole(self, state: Any, members: Members, after: Any) -> Any:
        """Return the state, given the inner learner's after some tasks' meta-update."""

    def step(self, state: Any, batch: Any) -> tuple[Any, Tensor]:
        state, dealt = self.dealt(state, batch)
        losses = []
        for members in dealt:
            after, loss = self.one.step(*self.part(state, batch, members))
            state = self.whole(state, members, after)
            losses.append(loss * len(members) / len(batch))
        return state, torch.stack(losses).sum()

    def meta_gradient(self, state: Any, batch: Any) -> Gradient:
        state, dealt = self.dealt(state, batch)
        losses, grads = [], []
        for members in dealt:
            given = self.part(state, batch, members)
            found, weight = self.one.meta_gradient(*given), len(members) / len(batch)
            losses.append(found.loss * weight)
            grads.append({name: g * weight for name, g in found.grads.items()})
            state = self.whole(state, members, self.one.step(*given)[0])
        total = {name: torch.stack([each[name] for each in grads]).sum(0) for name in grads[0]}
        return Gradient(torch.stack(losses).sum(), total)

    def adapt(self, state: Any, batch: Any) -> Any:
        return self.one.adapt(state, batch)

    def evaluate(self, state: Any, batch: Any) -> Tensor:
        judged: Tensor = self.one.evaluate(state, batch)
        return judged

    def preparations(self) -> Sequence[float]:
        made: Sequence[float] = self.one.preparations()
        return made

    def fast_paths(self) -> dict[str, str]:
        paths: dict[str, str] = self.one.fast_paths()
        return paths

    def dealt(self, state: Any, batch: Any) -> tuple[Any, list[Members]]:
        """Return the state that a step begins with, and the tasks of its meta-updates."""
        self._require(len(batch))
        labels = self.labels(state, batch) if self.clusters > 1 else (0,) * len(batch)
        return self.begun(state, labels), meta_batches(labels, self.updates, self.schedule)

    def by_behaviour(self, gradient: Tensor, loss: Tensor) -> Labels:
        """Return clusters by those features that are asked for; rows count the tasks."""
        blocks = {"gradient": [gradient], "loss": [loss], "both": [gradient, loss]}
        found = [block.detach().cpu().double().numpy() for block in blocks[self.features]]
        return by_features(found, self.clusters, self.seed)

    def _require(self, tasks: int) -> None:
        if not 1 <= self.clusters <= tasks:
            raise UsageError(
                f"{self.name}: clusters = {self.clusters}, and a batch has {tasks} tasks. Set "
                f"clusters from 1 to {tasks}, or a larger meta_batch of the workload."
            )
        if not self.clusters <= self.updates <= tasks:
            raise UsageError(
                f"{self.name}: updates = {self.updates}, and each of {self.clusters} clusters "
                f"takes a meta-update, each of them with one of {tasks} tasks at least. Set "
                f"updates from {self.clusters} to {tasks}."
            )
