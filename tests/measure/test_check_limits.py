"""What the check says of gradients that are exact in the limit: by which law their error falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from harness.declare.equivalence import Approximate, Equivalence, Exact, InTheLimit
from harness.declare.learner import Gradient
from harness.declare.problem import Problem
from harness.declare.workload import Place
from harness.errors import MeasurementError, UsageError
from harness.measure.check import CheckResult, check

Error = Callable[["Guess"], float]
EXACT = torch.tensor([3.0, -4.0], dtype=torch.float64)
LOSS = torch.ones((), dtype=torch.float64)
HALVES = InTheLimit("terms", (2, 4, 8, 16), factor=0.55)
SECOND_ORDER = InTheLimit("width", (0.1, 0.05, 0.025), order=2)


@dataclass(frozen=True)
class Sums:
    """A workload with nothing in it but settings."""

    place: Place
    steps: int = 1
    solved: bool = False

    def train_batch(self, seed: int, index: int) -> None:
        return None


@dataclass(frozen=True)
class Guess:
    """A learner whose gradient is off by a function of its settings."""

    workload: Sums
    terms: int = 1
    width: float = 1.0

    error: ClassVar[Error]
    equivalence: ClassVar[Equivalence]
    family: ClassVar[str] = "sums"
    name: ClassVar[str] = "guess"
    corners: ClassVar[tuple[Any, ...]] = ()

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def init(self, seed: int) -> None:
        return None

    def meta_gradient(self, state: None, batch: None) -> Gradient:
        error = type(self).error(self)
        return Gradient(LOSS, {"weight": EXACT * (1 + error)})

    def step(self, state: None, batch: None) -> tuple[None, Tensor]:
        return None, LOSS


class Oracle(Guess):
    error = staticmethod(lambda learner: 0.0)


class SumProblems:
    oracle: ClassVar[str] = "oracle"

    @staticmethod
    def strategy() -> st.SearchStrategy[Problem]:
        return st.builds(Problem, st.just(Sums(Place(dtype="float64"))), st.integers(0, 9))


class SolvedProblems(SumProblems):
    presumed: ClassVar[dict[str, Any]] = {"workload.solved": True}


def checked(check: Equivalence, off: Error, family: Any = SumProblems) -> CheckResult:
    class Checked(Guess):
        error = staticmethod(off)
        equivalence = check

    return checked_class(Checked, family)


def checked_class(learner: Any, family: Any = SumProblems) -> CheckResult:
    components = {"guess": learner, "oracle": Oracle, "sums": family}
    entry = {
        name: SimpleNamespace(name=name, owner="my.py", load=lambda c=c: c)
        for name, c in components.items()
    }
    registry = SimpleNamespace(
        find=lambda name, *kinds: entry[name], entries=lambda kind: [entry["sums"]]
    )
    return check(entry["guess"], registry, 3)  # type: ignore[arg-type]  # all that is asked of them


def own(learner: Guess, state: None, batch: None) -> Gradient:
    error = 0.25 if learner.workload.solved else 0.5
    return Gradient(LOSS, {"weight": EXACT * (1 + error)})


def test_a_geometric_error_holds_to_its_factor() -> None:
    result = checked(HALVES, lambda learner: 0.5**learner.terms)
    assert result.passed
    assert result.worst_error == pytest.approx(0.5)
    assert result.held == "factor"
    assert "factor 0.5 a unit of terms" in result.worst_case


@pytest.mark.parametrize(
    "off",
    [
        pytest.param(lambda learner: 0.6**learner.terms, id="slower"),
        pytest.param(lambda learner: learner.terms**-2, id="a power"),
        pytest.param(lambda learner: 0.1**learner.terms + 1e-3, id="towards another limit"),
        pytest.param(lambda learner: 2.0**learner.terms, id="away"),
        pytest.param(lambda learner: math.nan if learner.terms > 4 else 0.1, id="not a number"),
        pytest.param(lambda learner: math.nan if learner.terms < 4 else 0.1, id="at first"),
    ],
)
def test_an_error_that_does_not_fall_geometrically_fails(off: Error) -> None:
    assert not checked(HALVES, off).passed


def test_an_error_at_rounding_has_no_factor_to_show() -> None:
    result = checked(HALVES, lambda learner: 1e-9)
    assert result.passed
    assert result.held == "error"
    assert "terms=16" in result.worst_case


def test_a_first_error_that_is_small_by_luck_does_not_set_the_factor() -> None:
    lucky = {2: 1e-7}
    assert checked(HALVES, lambda learner: lucky.get(learner.terms, 0.5**learner.terms)).passed


@pytest.mark.parametrize(("power", "passes"), [(2, True), (3, True), (1, False), (0, False)])
def test_a_power_of_the_knob_holds_to_its_order(power: int, passes: bool) -> None:
    assert checked(SECOND_ORDER, lambda learner: learner.width**power).passed is passes


@pytest.mark.parametrize("off", [lambda learner: math.nan, lambda learner: math.inf])
def test_a_power_law_needs_finite_errors(off: Error) -> None:
    assert not checked(SECOND_ORDER, off).passed


def test_a_setting_of_the_workload_can_be_the_knob() -> None:
    by_steps = InTheLimit("workload.steps", (2, 4, 8, 16), factor=0.55)
    assert checked(by_steps, lambda learner: 0.5**learner.workload.steps).passed
    assert not checked(by_steps, lambda learner: 0.9**learner.workload.steps).passed


def solved(learner: Guess) -> float:
    return 0.5**learner.terms if learner.workload.solved else 1.0


def test_limits_and_distances_are_taken_where_the_family_presumes() -> None:
    result = checked(HALVES, solved, SolvedProblems)
    assert result.passed
    assert result.distance == pytest.approx(0.5)
    elsewhere = checked(HALVES, solved)
    assert not elsewhere.passed
    assert elsewhere.distance == pytest.approx(1.0)


def test_a_definition_holds_everywhere_and_its_distance_where_the_family_presumes() -> None:
    def off(learner: Guess) -> float:
        return 0.25 if learner.workload.solved else 0.5

    result = checked(Approximate(f"{__name__}:own"), off, SolvedProblems)
    assert result.passed
    assert result.distance == pytest.approx(0.25)


@pytest.mark.parametrize("laws", [{}, {"order": 1.0, "factor": 0.5}])
def test_a_limit_states_one_law(laws: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="one law"):
        InTheLimit("terms", (1, 2), **laws)


def test_a_limit_needs_two_values() -> None:
    with pytest.raises(ValueError, match="two values"):
        InTheLimit("terms", (1,), order=1)


def test_an_error_that_is_made_only_once_is_kept() -> None:
    wrong = iter([0.0, 0.5])
    result = checked(Exact(), lambda learner: next(wrong, 0.0))
    assert not result.passed
    assert result.worst_error == pytest.approx(0.5)
    assert result.worst > 1


def test_an_error_that_comes_and_goes_is_kept() -> None:
    calls = iter(range(10**6))
    result = checked(Exact(), lambda learner: 0.5 * (next(calls) % 3 == 0))
    assert not result.passed
    assert result.worst_error == pytest.approx(0.5)


def test_a_learner_that_raises_only_once_is_told_of_all_the_same() -> None:
    faults = iter([RuntimeError("once")])

    def off(learner: Guess) -> float:
        for fault in faults:
            raise fault
        return 0.0

    with pytest.raises(MeasurementError, match="guess raised RuntimeError: once, on: seed="):
        checked(Exact(), off)


def test_a_class_that_is_no_learner_is_refused_with_what_to_do() -> None:
    class Mine:
        pass

    with pytest.raises(UsageError) as refused:
        checked_class(Mine)
    assert str(refused.value) == (
        "my.py: class Mine of 'guess' is not a complete learner: it lacks family, equivalence, "
        "corners, workload_needed, init, meta_gradient. Derive it from "
        "harness.declare.learner.Learner or another learner, and set `family` to one of: sums."
    )


def test_a_learner_that_declares_no_equivalence_is_refused_with_those_there_are() -> None:
    class Mine(Guess):
        equivalence = "Exact"  # type: ignore[assignment]

    with pytest.raises(UsageError) as refused:
        checked_class(Mine)
    assert str(refused.value) == (
        "my.py: equivalence = 'Exact' of class Mine must be one of Exact, InTheLimit, "
        "Approximate, as in `equivalence = Exact()`."
    )


@pytest.mark.parametrize(
    "grads",
    [
        pytest.param({"weight": EXACT * math.nan}, id="not a number"),
        pytest.param({"module.weight": EXACT}, id="of another name"),
        pytest.param({"weight": EXACT[:1]}, id="of another shape"),
        pytest.param({"weight": EXACT * 0}, id="zero"),
    ],
)
def test_a_gradient_without_an_angle_to_the_oracles_has_an_unknown_cosine(grads: Any) -> None:
    class Checked(Guess):
        equivalence = Exact()

        def meta_gradient(self, state: None, batch: None) -> Gradient:
            return Gradient(LOSS, grads)

    result = checked_class(Checked)
    assert not result.passed
    assert math.isnan(result.cosine)
    assert result.fields()["cosine"] is None


def test_one_unknown_cosine_makes_the_least_one_unknown() -> None:
    wrong = iter([0.0, 0.0, math.nan])  # float64, float32, and the next problem
    assert math.isnan(checked(Exact(), lambda learner: next(wrong, 0.0)).cosine)
