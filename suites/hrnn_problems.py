"""Small tasks, on which every implementation is held to the plain hierarchical RNN optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from harness.declare.problem import Problem
from harness.declare.workload import Place
from harness.registry import problems
from harness.seeds import derive
from suites.classifiers import Convolutional, FullyConnected, Recurrent
from suites.hrnn import TIMESCALES, UNITS, Rows, Standing, Start
from suites.objectives import (
    Bowl,
    Landscape,
    Logarithm,
    MatrixProduct,
    Norm,
    Quadratic,
    Rescaled,
    Sum,
)
from suites.optimizee_entries import Entry
from suites.optimizer_training import OptimizerTraining

Kind = Literal["functions", "models"]
ENTRIES: dict[Kind, tuple[Entry, ...]] = {
    "functions": (
        Entry("quadratic", Quadratic(3), noise=0.5),
        Entry("bowl", Bowl(), condition=5.0, angle=45.0),
        Entry("bowl", Bowl(), noise=0.1),
        Entry("test function", Landscape("rosenbrock")),
        Entry("test function", Landscape("michalewicz"), noise=1.0),
        Entry("logarithm", Logarithm(Quadratic(3))),
        Entry("rescaled", Rescaled(Norm(2, 3.0)), scale=8.0),
        Entry("matrix product", MatrixProduct(2, 5)),
        Entry("sum", Sum((Quadratic(2), Landscape("booth"), Norm(3, 2.0)))),
        Entry("sparse", Quadratic(3), sparse=True),
    ),
    "models": (
        Entry("logistic", FullyConnected(4), batch=20),
        Entry("logistic", FullyConnected(4), noise=0.5, batch=50),
        Entry("fully connected", FullyConnected(3, (2,)), batch=10),
        Entry("fully connected", FullyConnected(3, (2,)), sparse=True, batch=10),
        Entry("convolutional", Convolutional(3, 2), batch=5),
        Entry("recurrent", Recurrent(1, 3), batch=5),
    ),
}


@dataclass(frozen=True)
class RandomOptimizees(OptimizerTraining):
    """Draws from a short list of small entries, from their start or from the middle of a run.

    In the middle the states of the optimizer are random, as a later unroll would find them, so that
    one unroll shows what an implementation does with the states that are carried into it.
    """

    kind: Kind = "functions"
    midway: bool = False

    @property
    def data(self) -> str:
        return "noise (generated)"

    def entries(self) -> Sequence[Entry]:
        return ENTRIES[self.kind]

    def _start(self, seed: int, split: str, number: int, run: int) -> Start:
        fresh = super()._start(seed, split, number, run)
        if not self.midway or isinstance(fresh, Standing):
            return fresh
        rng = np.random.default_rng(derive(seed, "midway", split, number, run))

        def states(rows: int, units: int) -> Tensor:
            return self._placed(rng.uniform(-1, 1, (rows, units)))

        objective = self.entries()[self.choice(seed, split, number)].objective
        size = objective.size
        rows = Rows(
            theta=fresh.theta,
            attended=fresh.theta + 0.01 if self.attention else None,
            hidden=states(size, UNITS[0]),
            averages=states(size, TIMESCALES),
            squares=states(size, TIMESCALES).square() + 0.1,
            input_decay=torch.sigmoid(states(size, 1)),
            scale_decay=torch.sigmoid(states(size, 1)),
            log_rate=fresh.log_rate + states(size, 1),
        )
        of_tensor, of_task = states(len(objective.sizes), UNITS[1]), states(1, UNITS[2])
        return Standing(rows, of_tensor, of_task, self._placed(np.array([2.0])))


@problems("hrnn")
class HrnnProblems:
    """Small functions and models, unrolls and options, against the plain optimizer."""

    oracle: ClassVar[str] = "hrnn_optimizer"

    @staticmethod
    @st.composite
    def strategy(draw: st.DrawFn) -> Problem:
        attention = draw(st.booleans(), label="attention")
        workload = RandomOptimizees(
            Place(dtype="float64"),
            meta_batch=draw(st.integers(1, 4), label="meta_batch"),
            steps=draw(st.integers(2, 4), label="steps"),
            unrolls=draw(st.integers(1, 3), label="unrolls"),
            runs=draw(st.integers(1, 2), label="runs"),
            held_out_steps=3,
            meta_lr=1e-3,
            attention=attention,
            level2=draw(st.sampled_from(["last", "mean"]), label="level2"),
            second_derivatives=draw(st.booleans(), label="second_derivatives"),
            listed=draw(st.sampled_from(["first_twice", "all"]), label="listed"),
            state="reset"
            if attention
            else draw(st.sampled_from(["reset", "carry"]), label="state"),
            kind=draw(st.sampled_from(list(ENTRIES)), label="kind"),
            midway=draw(st.booleans(), label="midway"),
        )
        return Problem(workload, seed=draw(st.integers(0, 10_000), label="seed"))
