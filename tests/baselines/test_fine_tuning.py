"""The control: plain training, with a share of clean data, that leaves the meta model alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.fine_tuning import FineTuning
from harness.declare.tree import identical
from harness.errors import UsageError
from harness.measure.operations import operations_of
from tests.baselines.bilevel_cases import assert_close, linear, networks


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_base_steps_are_torchs_on_the_mixed_loss(optimizer: str, share: float) -> None:
    workload = linear(kind="weights", base_optimizer=optimizer, base_lr=0.02, unroll=3)
    learner = FineTuning(workload, clean_share=share)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    after, loss = learner.step(state, batch)

    base = {n: p.clone().requires_grad_() for n, p in state.base.params.items()}
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    inner = kind(base.values(), lr=0.02)
    for base_batch in batch.base:
        inner.zero_grad()
        mixed = (1 - share) * workload.plain_loss(base, base_batch)
        (mixed + share * workload.meta_loss(base, state.meta.params, batch.meta)).backward()
        inner.step()
    assert_close(after.base.params, {n: p.detach() for n, p in base.items()}, 1e-12)
    owed = workload.meta_loss(after.base.params, state.meta.params, batch.meta)
    assert float(loss) == pytest.approx(float(owed), rel=1e-12)


def test_meta_parameters_stay_where_they_were_and_have_no_say() -> None:
    workload = linear(kind="weights", meta_lr=0.1)
    learner = FineTuning(workload, clean_share=0.5)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    after, _ = learner.step(state, batch)
    assert identical(after.meta.params, state.meta.params)
    other = replace(state, meta=replace(state.meta, params=workload.initial(1)))
    assert not identical(other.meta.params, state.meta.params)
    assert identical(learner.step(other, batch)[0].base, after.base)


def test_without_clean_data_a_base_step_is_one_backward_pass() -> None:
    workload = linear(kind="weights", unroll=3)
    learner = FineTuning(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    assert operations_of(lambda: learner.step(state, batch)).backward_passes == 3


def test_a_share_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="clean_share = 1.5 must be from 0 to 1"):
        FineTuning(linear(), clean_share=1.5)


def test_a_workload_without_a_plain_loss_says_so() -> None:
    workload = networks()
    learner = FineTuning(workload)
    with pytest.raises(UsageError, match="SmallNetworks has no loss without meta-parameters"):
        learner.step(learner.init(0), workload.train_batch(0, 0))
