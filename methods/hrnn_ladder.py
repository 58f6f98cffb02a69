"""The rungs of an accelerated hierarchical RNN optimizer, each Exact, and their product.

Pimpalkhute, Pandit, Mishra and Singhal (arXiv 2110.14459) state that meta-training of an RNN
optimizer became 3.73 times faster, and their abstract does not say by what. Reconstructed: these
rungs are what the published code of the hierarchical optimizer leaves room for. Every one of them
takes the meta-update of hrnn_optimizer over the same meta-batch.

    hrnn_reuse      what a task's shapes alone determine is made once a signature and kept
    hrnn_rows       all coordinates of all tasks are rows of one matrix      methods.hrnn_rows
    hrnn_batched    equal objectives are computed in one call                methods.hrnn_objectives
    hrnn_compiled   rows, and the optimizer's half of a step is compiled     methods.hrnn_compiled
    hrnn_workers    tasks are dealt out to ranks, one all-reduce an update   methods.hrnn_workers
    hrnn_product    rows, equal objectives together, and ranks; compiled at will

What reuse is here. The published code builds a graph for every draw, which takes it 3 to 20 s.
Eager PyTorch builds none: of what shapes alone determine, the layout of a task's rows is all that
could be made again, and keeping it saves next to nothing. What hrnn_reuse is faster by it owes to
moving a task's tensors together.

What was open, and how each choice is set: which half is batched (`optimizer`, `objectives`),
whether tasks go one by one (`unit`), whether the step is compiled (`compiled`).

A task's gradient must be made finite and clipped before it is summed, and what goes through an
unroll together gives the sum alone. So where a task's loss is not finite, or an entry of the sum is
beyond a tenth of the clip, the unroll is taken again task by task as the baseline does it, and
counted in the state as `redone`. An entry that the clip would have changed can hide from this only
where other tasks' gradients cancel nine tenths of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch

from baselines.hrnn import MOST_SLOPE, HrnnLearner, HrnnState, Unrolled
from baselines.hrnn_optimizer import HrnnOptimizer
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Params
from harness.declare.tree import all_finite
from harness.registry import method
from methods.hrnn_compiled import CompiledMover, CompiledStep
from methods.hrnn_rows import Layout, Weights
from methods.hrnn_together import Mover, RowsMover, TensorMover, Together
from methods.hrnn_workers import summed
from suites.hrnn import Standing, Start
from suites.optimizer_training import MetaBatch, Run

SUSPICIOUS = MOST_SLOPE / 10
MOST_KEPT = 128
"""Layouts: more than the list has entries, and few enough to be kept whatever is drawn."""


@dataclass(frozen=True)
class HrnnLadder(HrnnLearner):
    """What the rungs share; each of them sets some of the options."""

    unit: Literal["task", "batch"] = "batch"
    """What goes through an unroll together."""
    optimizer: Literal["tensor", "rows"] = "tensor"
    """What the optimizer moves at a time."""
    objectives: Literal["task", "signature"] = "task"
    """What objectives are computed of at a time."""
    keep: bool = False
    """Make what shapes alone determine once for all tasks, or batches, that have the same."""
    compiled: bool = False
    """Compile the step; rows alone can be."""

    equivalence: ClassVar[Equivalence] = Exact()
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        if self.compiled and self.optimizer != "rows":
            raise ValueError("compiled = true with optimizer = 'tensor': set optimizer = 'rows'.")

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for one definition where each would be compiled for a minute, in either precision."""
        if not settings.get("compiled", cls.compiled):
            return {}
        return {"attention": False, "level2": "last", "meta_batch": 3}

    @cached_property
    def compiled_step(self) -> CompiledStep:
        """The compiled step, with the seconds of each compilation so far."""
        return CompiledStep(self.workload.hrnn)

    def preparations(self) -> Sequence[float]:
        return self.compiled_step.seconds if self.compiled else ()

    def through_unroll(
        self, params: Params, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> Unrolled:
        team = self.workload.place.team
        mine = [n for n in team.share(len(batch)) if starts[n] is not None]
        units = [[n] for n in mine] if self.unit == "task" else [mine]
        found = Unrolled(
            next(iter(params.values())).new_zeros(()),
            {name: torch.zeros_like(p) for name, p in params.items()},
            (None,) * len(batch),
        )
        for unit in units:
            if unit:
                found = _added(found, self._through(params, batch, starts, unit), unit)
        if team.size == 1:
            return found
        return summed(found, self._shapes(params, batch, starts), team)

    def adapt(self, state: HrnnState, batch: MetaBatch) -> Run:
        params, together = state.outer.params, self._together(batch, range(len(batch)))
        standing = together.begun(params, batch.starts)
        move = self._mover(params, together, standing)
        ends, losses = together.through_run(move, standing, batch.steps)
        return Run(tuple(ends), losses)

    def _through(
        self,
        params: Params,
        batch: MetaBatch,
        starts: Sequence[Start | None],
        unit: Sequence[int],
    ) -> Unrolled:
        """Go through an unroll with some tasks together, or plainly if that goes wrong."""
        given = [start for n in unit if (start := starts[n]) is not None]
        together = self._together(batch, unit)
        leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
        standing = together.begun(leaves, given)
        move = self._mover(leaves, together, standing, self.compiled)
        passed = together.through_unroll(move, standing, batch.steps)
        slopes = torch.autograd.grad(
            passed.losses.sum(), list(leaves.values()), materialize_grads=True
        )
        largest = torch.stack([slope.abs().max() for slope in slopes]).max()
        if all_finite(passed.losses) and bool(largest <= SUSPICIOUS):
            grads = dict(zip(leaves, slopes, strict=True))
            return Unrolled(passed.losses.detach().sum(), grads, passed.ended)
        some = MetaBatch(together.tasks, tuple(given), batch.steps)
        plain = HrnnOptimizer(self.workload).through_unroll(params, some, given)
        return Unrolled(plain.loss, plain.grads, plain.ended, redone=len(unit))

    def _together(self, batch: MetaBatch, unit: Sequence[int]) -> Together:
        tasks = tuple(batch.tasks[n] for n in unit)
        return Together(self.workload, tasks, self.objectives == "signature")

    def _mover(
        self, params: Params, together: Together, standing: Standing, compiled: bool = False
    ) -> Mover:
        hrnn, layouts = self.workload.hrnn, together.layouts
        if self.optimizer == "tensor":
            return TensorMover(hrnn, params, layouts)
        weights, layout = Weights.of(params, hrnn), self._layout(layouts, standing)
        if compiled:
            return CompiledMover.of(hrnn, weights, layout, self.compiled_step)
        return RowsMover(hrnn, weights, layout)

    def _layout(self, layouts: Sequence[tuple[int, ...]], standing: Standing) -> Layout:
        signature = tuple(layouts)
        if signature in self._kept:
            return self._kept[signature]
        layout = Layout.of(layouts, standing.rows.theta)
        if self.keep:
            if len(self._kept) == MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[signature] = layout
        return layout

    @cached_property
    def _kept(self) -> dict[tuple[tuple[int, ...], ...], Layout]:
        return {}

    def _shapes(
        self, params: Params, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> list[Standing | None]:
        """Return standings with the shapes of those tasks that have a start, after a step."""
        return [
            None
            if start is None
            else self.workload.hrnn.begun(params, start, len(task.objective.sizes)).seen()
            for task, start in zip(batch.tasks, starts, strict=True)
        ]


def _added(all_tasks: Unrolled, some: Unrolled, unit: Sequence[int]) -> Unrolled:
    """Return what is known of all tasks with what was found of some."""
    ended = list(all_tasks.ended)
    for number, standing in zip(unit, some.ended, strict=True):
        ended[number] = standing
    grads = {name: g + some.grads[name] for name, g in all_tasks.grads.items()}
    redone = all_tasks.redone + some.redone
    return Unrolled(all_tasks.loss + some.loss, grads, tuple(ended), redone)


@method("hrnn_reuse")
@dataclass(frozen=True)
class HrnnReuse(HrnnLadder):
    """The hierarchical RNN optimizer, each task's tensors together by a layout that is kept."""

    unit: Literal["task", "batch"] = "task"
    optimizer: Literal["tensor", "rows"] = "rows"
    keep: bool = True


@method("hrnn_rows")
@dataclass(frozen=True)
class HrnnRows(HrnnLadder):
    """The hierarchical RNN optimizer with all coordinates of all tasks as rows of one matrix."""

    optimizer: Literal["tensor", "rows"] = "rows"


@method("hrnn_batched")
@dataclass(frozen=True)
class HrnnBatched(HrnnLadder):
    """The hierarchical RNN optimizer with equal objectives computed in one call."""

    objectives: Literal["task", "signature"] = "signature"


@method("hrnn_compiled")
@dataclass(frozen=True)
class HrnnCompiled(HrnnLadder):
    """The hierarchical RNN optimizer as rows of one matrix, its step compiled for all shapes."""

    optimizer: Literal["tensor", "rows"] = "rows"
    compiled: bool = True


@method("hrnn_workers")
@dataclass(frozen=True)
class HrnnWorkers(HrnnLadder):
    """The hierarchical RNN optimizer with tasks dealt out to ranks, one all-reduce an update."""

    unit: Literal["task", "batch"] = "task"

    shares: ClassVar[bool] = True


@method("hrnn_product")
@dataclass(frozen=True)
class HrnnProduct(HrnnLadder):
    """The hierarchical RNN optimizer by all rungs together: rows, objectives in one call, ranks."""

    optimizer: Literal["tensor", "rows"] = "rows"
    objectives: Literal["task", "signature"] = "signature"
    keep: bool = True

    shares: ClassVar[bool] = True
