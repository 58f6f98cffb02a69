"""A learning curve keeps what a learner watches, beside its quality."""

from __future__ import annotations

import dataclasses

import pytest

from baselines.reference_maml import ReferenceMaml
from harness.declare.protocol import Protocol
from harness.measure.training import train_curve
from methods.gradient_sharing import GradientSharing
from suites.sinusoid import Sinusoid

WORKLOAD = Sinusoid(meta_batch=2, inner_steps=2, hidden=(4,), outer_lr=0.1)
PROTOCOL = Protocol(curve_steps=5, curve_every=2, curve_tasks=2, test_tasks=2)


def test_learned_scales_are_kept_at_every_evaluation():
    learner = GradientSharing(WORKLOAD)
    curve = train_curve(learner, 3, PROTOCOL, lambda: None)
    assert curve.flaw() is None
    assert curve.curve_steps == (2, 4, 5)
    state = learner.init(3)
    assert list(curve.watched) == list(learner.watched(state))
    for index in range(2):
        state, _ = learner.step(state, WORKLOAD.train_batch(3, index))
    assert {n: v[0] for n, v in curve.watched.items()} == pytest.approx(learner.watched(state))
    assert all(len(set(values)) == 3 for values in curve.watched.values())


def test_a_learner_of_weights_alone_has_nothing_to_watch():
    assert train_curve(ReferenceMaml(WORKLOAD), 3, PROTOCOL, lambda: None).watched == {}


def test_a_record_without_a_value_at_every_evaluation_is_unusable():
    curve = train_curve(GradientSharing(WORKLOAD), 3, PROTOCOL, lambda: None)
    short = dataclasses.replace(curve, watched={"weight, step 1": (0.5,)})
    assert "what was watched at every step" in str(short.flaw())
