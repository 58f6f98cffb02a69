"""The family of the hierarchical RNN optimizer: tasks, meta-batches, and what is learned on them.

A draw is a meta-batch of tasks. It is run several times from new starts (meta-iterations), each run
is cut into unrolls, and each unroll ends in a meta-update. Batch number i is one unroll, a pure
function of seed and i; where the tasks stand after it is carried by the learner's state.

With f_0 .. f_T the losses of an unroll, on all data and without noise, and f* the first of the run,

    J = mean over [f_0, f_0, f_1, .., f_{T-1}] of ln(f / (f* + 1e-6) + 1e-6)

so the last update of an unroll gets no gradient, and the second loss is the first again. That is
the published code's way; `listed` has the other, f_0 .. f_T.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.declare.learner import Params
from harness.declare.workload import Metric, Workload
from harness.errors import HarnessError
from harness.seeds import derive
from suites.hrnn import Fresh, Hrnn, Level2, Standing, Start
from suites.objectives import TINY, Data, Objective
from suites.optimizee_draws import drawn_data, drawn_log_rates, drawn_rows, drawn_start
from suites.optimizee_entries import Entry

SPARSE = 0.99
MOST_LEFT = 10.0
"""The log of the loss left that a run counts with which diverged, or left more than that."""


@dataclass(frozen=True)
class Task:
    """An objective with its data, and what is drawn for every step of an unroll."""

    objective: Objective
    data: Data
    noise: Tensor | None = None
    """Added to every step's gradient."""
    mask: Tensor | None = None
    """Multiplied with every step's gradient."""
    rows: Tensor | None = None
    """The examples of every step's gradient; all if none."""
    family: str = ""
    """Of the entry that it is a draw of."""

    def disturbed(self, gradient: Tensor, step: int) -> Tensor:
        if self.noise is not None:
            gradient = gradient + self.noise[step]
        return gradient if self.mask is None else gradient * self.mask[step]


@dataclass(frozen=True)
class MetaBatch:
    """One unroll of a meta-batch of tasks."""

    tasks: tuple[Task, ...]
    starts: tuple[Start, ...]
    """Where the tasks begin, if the unroll is the first of its run."""
    steps: int
    unroll: int = 0
    """Its number in the run."""
    run: int = 0
    """The run's number in the draw."""

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def layouts(self) -> list[tuple[int, ...]]:
        """The sizes of every task's tensors."""
        return [task.objective.sizes for task in self.tasks]


@dataclass(frozen=True)
class Run:
    """What an optimizer did to tasks: their losses before every step and after the last."""

    theta: tuple[Tensor, ...]
    losses: Tensor

    @property
    def gained(self) -> Tensor:
        """The logarithm of every task's last loss, as a share of its first."""
        return bounded(log_ratio(self.losses[:, -1], self.losses[:, 0]))


def bounded(left: Tensor) -> Tensor:
    """Return what is left with a bound, which counts for a task that diverged."""
    return torch.nan_to_num(left, nan=MOST_LEFT).clamp(max=MOST_LEFT)


def log_ratio(loss: Tensor, first: Tensor) -> Tensor:
    """Return the logarithm that losses enter the meta-objective by."""
    return torch.log(loss / (first + TINY) + TINY)


@dataclass(frozen=True)
class OptimizerTraining(Workload):
    """What every workload of the family shares; the defaults are for two cores."""

    meta_batch: int = 32
    """Tasks of a meta-update. The published code has one at a time."""
    steps: int = 20
    """Least steps of an unroll."""
    more_steps: float = 0.0
    """Mean of the exponential draw that is added to them."""
    unrolls: int = 5
    """Least unrolls of a run."""
    more_unrolls: float = 0.0
    runs: int = 2
    """Runs of a draw, each from a new start."""
    held_out_steps: int = 100
    meta_lr: float = 1e-6
    attention: bool = False
    level2: Level2 = "last"
    second_derivatives: bool = True
    listed: Literal["first_twice", "all"] = "first_twice"
    """Which losses of an unroll count."""
    state: Literal["reset", "carry"] = "reset"
    """What a draw's later runs begin with: a new state of the optimizer, or, as the published code
    has it by a flag that acts inverted, that at the start of the last run's last unroll."""
    diverged: Literal["drop", "raise"] = "drop"
    """What becomes of a task whose loss is not finite, or negative: it sits out the rest of its run
    and is counted, or training ends. In the published code an assertion fails."""

    family: ClassVar[str] = "hrnn"
    metric: ClassVar[Metric] = Metric("log of the loss left", higher_is_better=False)

    def __post_init__(self) -> None:
        for name in ("meta_batch", "steps", "unrolls", "runs", "held_out_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be at least 1.")
        for name in ("more_steps", "more_unrolls"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must not be below 0.")
        if self.state == "carry" and self.attention:
            raise ValueError(
                "state = 'carry' with attention: gradients would be taken where the last run "
                "stood. Set attention = false, or state = 'reset'."
            )

    @abstractmethod
    def entries(self) -> Sequence[Entry]:
        """Return the list that tasks are drawn from."""

    def choice(self, seed: int, split: str, number: int) -> int:
        """Return which entry a task is a draw of: any, with the same chance."""
        return derive(seed, "entry", split, number) % len(self.entries())

    @property
    def hrnn(self) -> Hrnn:
        return Hrnn(self.attention, self.level2)

    @property
    def inner_steps(self) -> int:
        """The length of the loop that rounding errors grow along."""
        return self.steps

    @property
    def samples(self) -> int | None:
        """The inner steps of all tasks in a meta-update, where it always has as many."""
        return None if self.more_steps else self.meta_batch * self.steps

    def initial(self, seed: int) -> Params:
        """Draw in float32 on the CPU whatever the place, so that every place starts alike."""
        drawn = self.hrnn.initial(torch.Generator().manual_seed(derive(seed, "weights")))
        return {n: p.to(self.place.device, self.place.torch_dtype) for n, p in drawn.items()}

    def train_batch(self, seed: int, index: int) -> MetaBatch:
        iteration, unroll = self._located(seed, index)
        draw, run = divmod(iteration, self.runs)
        numbers = range(draw * self.meta_batch, (draw + 1) * self.meta_batch)
        steps = self.steps + self._more(self.more_steps, seed, "steps", index)
        return self._batch(seed, "train", numbers, steps, unroll, run)

    def eval_batch(self, seed: int, split: str, start: int, count: int) -> MetaBatch:
        """Return whole runs of held-out draws."""
        return self._batch(seed, split, range(start, start + count), self.held_out_steps, 0, 0)

    def _located(self, seed: int, index: int) -> tuple[int, int]:
        """Return the number of the run that a batch belongs to, and its own number there."""
        if not self.more_unrolls:
            return divmod(index, self.unrolls)
        for iteration in itertools.count():
            unrolls = self.unrolls + self._more(self.more_unrolls, seed, "unrolls", iteration)
            if index < unrolls:
                return iteration, index
            index -= unrolls
        raise AssertionError("runs never end")

    @staticmethod
    def _more(mean: float, seed: int, purpose: str, number: int) -> int:
        rng = np.random.default_rng(derive(seed, purpose, number))
        return round(rng.exponential(mean)) if mean else 0

    def _batch(
        self, seed: int, split: str, numbers: range, steps: int, unroll: int, run: int
    ) -> MetaBatch:
        tasks = tuple(self._task(seed, split, n, steps, unroll, run) for n in numbers)
        starts = tuple(self._start(seed, split, number, run) for number in numbers)
        return MetaBatch(tasks, starts, steps, unroll, run)

    def _task(self, seed: int, split: str, number: int, steps: int, unroll: int, run: int) -> Task:
        chosen = self.choice(seed, split, number)
        entry = self.entries()[chosen]
        # Examples are drawn once an entry, the other data for every task.
        once = isinstance(entry.batch, int)
        purpose = ("examples", chosen) if once else ("data", number)
        of_data = np.random.default_rng(derive(seed, split, *purpose))
        data = drawn_data(entry, entry.objective, of_data)
        rng = np.random.default_rng(derive(seed, "steps", split, number, run, unroll))
        shape = (steps, entry.objective.size)
        rows = None
        if entry.batch is not None:
            rows = drawn_rows(len(data["labels"]), entry.batch, steps, rng)
        return Task(
            entry.objective,
            {name: self._placed(values) for name, values in data.items()},
            self._placed(entry.noise * rng.standard_normal(shape)) if entry.noise else None,
            self._placed(1.0 * (rng.random(shape) >= SPARSE)) if entry.sparse else None,
            None if rows is None else torch.from_numpy(rows).to(self.place.device),
            entry.family,
        )

    def _start(self, seed: int, split: str, number: int, run: int) -> Start:
        entry = self.entries()[self.choice(seed, split, number)]
        rng = np.random.default_rng(derive(seed, "start", split, number, run))
        theta = drawn_start(entry, entry.objective, rng)
        return Fresh(self._placed(theta), self._placed(drawn_log_rates(entry.objective, rng)))

    def _placed(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.place.device, self.place.torch_dtype)


def entered(
    workload: OptimizerTraining,
    batch: MetaBatch,
    ended: tuple[Standing | None, ...],
    began: tuple[Standing | None, ...],
) -> tuple[Start | None, ...]:
    """Return where a batch's tasks begin; None is a task that has diverged in this run.

    The last unroll that the learner has been through began and ended as given, if there was one.
    """
    if batch.unroll > 0:
        if len(ended) != len(batch):
            raise HarnessError(
                f"unroll {batch.unroll} of {len(batch)} tasks goes on from the unroll before it, "
                f"but the state carries {len(ended)}. Step through a run from its unroll 0."
            )
        return ended
    if batch.run == 0 or workload.state == "reset" or len(began) != len(batch):
        return batch.starts
    return tuple(
        start
        if earlier is None or isinstance(start, Standing)
        else workload.hrnn.carried_over(start, earlier)
        for start, earlier in zip(batch.starts, began, strict=True)
    )
