"""What the interface itself promises to those who implement it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import torch

from harness.declare.equivalence import Approximate, Exact, InTheLimit
from harness.declare.learner import Learner, workload_of
from harness.declare.problem import Problem
from harness.declare.workload import Metric, Place, Workload


@dataclass(frozen=True)
class Toy(Workload):
    shots: int = 5
    rate: float = 0.1
    sizes: tuple[int, ...] = field(default_factory=lambda: (4, 4))

    family: ClassVar[str] = "toys"
    metric: ClassVar[Metric] = Metric("loss", higher_is_better=False)

    @property
    def data(self) -> str:
        return "toys"

    def initial(self, seed):
        return {}

    def train_batch(self, seed, index):
        return (seed, index)

    def eval_batch(self, seed, split, start, count):
        return (seed, split, start, count)


@dataclass(frozen=True)
class Looping(Toy):
    inner_steps: int = 3


class TestAProblem:
    def test_is_shown_by_what_is_not_as_usual_and_its_seed(self):
        assert repr(Problem(Toy(shots=3, sizes=(1,)), 7)) == "shots=3 sizes=(1,) seed=7"

    def test_changes_settings_and_leaves_the_first_as_it_was(self):
        problem = Problem(Toy(shots=3), 7)
        assert problem.with_settings(shots=1).workload == Toy(shots=1)
        assert problem.workload.shots == 3

    def test_is_put_in_float32_where_it_is(self):
        problem = Problem(Toy(Place("cuda:1", "float64"), shots=3), 7)
        assert problem.in_float32().workload == Toy(Place("cuda:1", "float32"), shots=3)

    def test_counts_inner_steps_where_there_are_any(self):
        assert Problem(Looping(), 0).inner_steps == 3
        assert Problem(Toy(), 0).inner_steps == 1


def test_a_place_knows_its_type():
    assert Place(dtype="float64").torch_dtype is torch.float64
    assert Place().torch_dtype is torch.float32
    with pytest.raises(KeyError):
        Place(dtype="float16").torch_dtype  # noqa: B018  # asking is what raises


def test_a_learner_without_all_its_parts_cannot_be_made():
    @dataclass(frozen=True)
    class Half(Learner):
        def init(self, seed):
            return None

    with pytest.raises(TypeError, match="abstract methods? adapt, evaluate, meta_gradient, step"):
        Half(Toy())


def test_a_learner_owes_the_oracles_gradient_unless_it_says_otherwise():
    assert Learner.equivalence == Exact()
    assert Learner.corners == ()
    assert (Learner.origin, Learner.peer) == ("known", None)


def test_a_learner_knows_its_workload_and_claims_no_fast_path():
    @dataclass(frozen=True)
    class Whole(Learner):
        def init(self, seed):
            return None

        def step(self, state, batch):
            return state, torch.zeros(())

        meta_gradient = adapt = evaluate = step

    learner = Whole(Toy(shots=2))
    assert workload_of(learner) == Toy(shots=2)
    assert learner.fast_paths() == {}


class TestEquivalence:
    def test_each_class_has_its_label(self):
        checks = (Exact(), InTheLimit("eps", (0.1, 0.01), order=1), Approximate("definition"))
        assert [check.label for check in checks] == ["Exact", "InTheLimit", "Approximate"]

    def test_a_limit_takes_two_values_to_show(self):
        with pytest.raises(ValueError, match="two values of eps"):
            InTheLimit("eps", (0.1,), order=1)

    @pytest.mark.parametrize("values", [(0.1, 0.1), (0.1, 0.0), (-0.1, 0.1)])
    def test_a_limits_values_show_its_order(self, values):
        with pytest.raises(ValueError, match="no law shows on the values"):
            InTheLimit("eps", values, order=1)

    def test_a_limit_states_one_law(self):
        assert InTheLimit("n", (1, 5), factor=0.5).order is None
        for laws in ({}, {"order": 1.0, "factor": 0.5}):
            with pytest.raises(ValueError, match="one law: either an order or a factor"):
                InTheLimit("n", (1, 5), **laws)
