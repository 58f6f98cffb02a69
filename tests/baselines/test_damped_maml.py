"""MAML with a smaller rate at meta-test: trained as MAML is, and judged at that rate alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.damped_maml import DampedMaml
from baselines.reference_maml import ReferenceMaml
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error
from harness.declare.workload import Place
from harness.errors import UnknownName, UsageError
from harness.measure.check import check
from harness.registry import Registry
from suites.maml_problems import RandomTasks

WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=3, inner_steps=2, inner_lr=0.4)
SEED = 6


def test_training_is_maml_s_to_the_last_bit():
    ours, maml = DampedMaml(WORKLOAD), ReferenceMaml(WORKLOAD)
    state, owed = ours.init(SEED), maml.init(SEED)
    for index in range(2):
        batch = WORKLOAD.train_batch(SEED, index)
        (state, loss), (owed, other) = ours.step(state, batch), maml.step(owed, batch)
        assert torch.equal(loss, other)
    assert identical(state, owed)


@pytest.mark.parametrize("inner", ["reference_maml", "batched_maml"])
def test_held_out_tasks_are_adapted_at_the_smaller_rate(inner: str):
    batch = WORKLOAD.eval_batch(SEED, "test", 0, 3)
    state = DampedMaml(WORKLOAD).init(SEED)
    quarter = ReferenceMaml(replace(WORKLOAD, inner_lr=0.1))
    found = DampedMaml(WORKLOAD, at_test=0.25, inner=inner)
    whole = ReferenceMaml(WORKLOAD).adapt(state, batch)
    for one, owed, other in zip(
        found.adapt(state, batch), quarter.adapt(state, batch), whole, strict=True
    ):
        assert relative_error(one, owed) < 1e-12
        assert relative_error(one, other) > 1e-3
    torch.testing.assert_close(found.evaluate(state, batch), quarter.evaluate(state, batch))


def test_the_check_passes_and_does_not_call_it_exact():
    registry = Registry()
    result = check(registry.find("damped_maml", "baseline"), registry, 20, {"at_test": 0.25})
    assert (result.passed, result.equivalence) == (True, "Approximate"), result.worst_case
    assert result.distance == 0.0


@pytest.mark.parametrize("at_test", [0.0, -0.5, 1.5])
def test_a_rate_that_is_none_or_larger_is_refused(at_test: float):
    with pytest.raises(UsageError, match=f"at_test = {at_test} must be above 0, and at most 1"):
        build(DampedMaml, {"at_test": at_test}, "damped_maml", WORKLOAD)


def test_an_implementation_of_something_else_is_refused():
    with pytest.raises(UnknownName, match="'batched_mml' .did you mean 'batched_maml'"):
        DampedMaml(WORKLOAD, inner="batched_mml")
    with pytest.raises(UsageError, match="inner=rnn_optimizer: an implementation of rnn"):
        DampedMaml(WORKLOAD, inner="rnn_optimizer")
