"""The check passes what pays its check, fails what does not, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import MeasurementError
from harness.measure.check import CheckResult, check
from harness.registry import Registry

REGISTRY = Registry(
    tuple(str(Path(__file__).with_name(name)) for name in ("approximations.py", "misbehaving.py"))
)


def result(name: str, examples: int = 12) -> CheckResult:
    return check(REGISTRY.find(name, "method", "baseline"), REGISTRY, examples)


@pytest.mark.parametrize("name", ["reference_maml", "learn2learn_maml", "batched_maml"])
def test_exact_implementations_pass_with_room_to_spare(name: str):
    found = result(name, examples=30)
    assert found.passed
    assert found.equivalence == "Exact"
    assert found.worst < 1
    assert found.distance < 1e-9
    assert found.examples == 30


@pytest.mark.parametrize("name", ["honest_approximation", "falls_linearly"])
def test_approximations_pass_when_they_are_what_they_say(name: str):
    assert result(name).passed


def test_an_approximation_prints_its_distance_to_the_exact_gradient():
    found = result("honest_approximation", examples=30)
    assert found.passed
    assert found.distance > 0.1
    assert found.cosine < 0.999


@pytest.mark.parametrize(
    ("name", "what", "held"),
    [
        ("wrong", "float64", "error"),
        ("not_its_definition", "own definition", "error"),
        ("forgets", "own definition after ", "error"),
        ("breaks", "own definition after 1 meta-step", "error"),
        ("wrong_at_its_corner", "corner scale=2.0", "error"),
        ("boasts_of_its_order", "order 1.00 of 2.0", "missing order"),
        ("not_finite", "float64", "error"),
    ],
)
def test_whatever_does_not_pay_fails_and_is_told_where(name: str, what: str, held: str):
    found = result(name)
    assert not found.passed
    assert found.worst > 1
    assert found.worst_case.startswith(what)
    assert found.held == held


def test_a_learner_that_raises_is_told_with_its_error_and_the_problem():
    with pytest.raises(MeasurementError, match="raises raised RuntimeError: out of ideas, on: "):
        result("raises")


def test_a_learner_that_exits_has_not_passed():
    with pytest.raises(MeasurementError, match="leaves raised SystemExit: 0, on: "):
        result("leaves")


def test_a_failing_problem_is_shrunk_to_a_small_one():
    assert "meta_batch=1 " in result("wrong").worst_case
    assert result("wrong").worst_case.endswith("seed=0")


def test_a_check_repeats_to_the_bit():
    assert result("batched_maml") == result("batched_maml")


def test_an_error_that_is_not_finite_is_unknown_in_a_record():
    fields = result("not_finite").fields()
    assert fields["worst_error"] is None
    assert fields["cosine"] is None
    assert fields["passed"] is False


def test_an_exact_learner_is_held_to_float32_too():
    found = result("rough_in_float32")
    assert not found.passed
    assert found.worst_case.startswith("float32")
    assert found.errors["float64"] < 1e-9
    assert found.errors["float32"] > 4e-4
