"""Trainings that diverge count for as long as they were numbers, and to the pair's own length."""

from __future__ import annotations

import dataclasses

import pytest

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.point import OWN, key_of
from harness.judge.evidence import Evidence
from harness.judge.quality.race import Trainings, trainings
from harness.records.record import Record
from harness.records.seen import Curve
from tests.judge.builders import PAIR, curve, manifest

TRAINED = dataclasses.replace(PAIR, passes=("curve",), claims=())


def diverged(*quality: float, pair: Pair = TRAINED, seed: int = 0) -> Record[Seen]:
    """Return what a worker hands back of a training that came to no number after these looks."""
    whole = curve(pair, "method", (*quality, float("nan"), 0.9), seed=seed).seen
    assert isinstance(whole, Curve)
    record = curve(pair, "method", seed=seed)
    return dataclasses.replace(record, status="not finite", seen=whole.while_finite())


def trained(*records: Record[Seen], pair: Pair = TRAINED) -> Trainings:
    evidence = Evidence(manifest(records, pairs=(pair,), claims=()), records)
    return trainings(evidence, pair, "method")[key_of(OWN)]


def test_who_was_there_before_it_diverged_has_arrived() -> None:
    arrivals = trained(diverged(0.5, 0.8, 0.8), curve(TRAINED, "method", seed=1)).to(0.75, True)
    assert arrivals.crossings[0].reached
    assert arrivals.crossings[0].at == 20.0


@pytest.mark.parametrize("quality", [(), (0.8,), (0.5, 0.5, 0.8)])
def test_who_was_not_counts_to_the_end(quality: tuple[float, ...]) -> None:
    crossing = trained(diverged(*quality)).to(0.75, True).crossings[0]
    assert not crossing.reached
    assert crossing.at == 200.0  # the builders' length


def test_the_end_is_the_pair_s_own() -> None:
    own = dataclasses.replace(TRAINED, protocol={"curve_steps": 60})
    assert trained(diverged(pair=own), pair=own).to(0.75, True).crossings[0].at == 60.0


@pytest.mark.parametrize(
    "nonsense",
    [{"curve_steps": (20, 10)}, {"curve_steps": (1,)}, {"curve_quality": ()}],
)
def test_a_curve_that_is_none_is_passed_over(nonsense: dict[str, tuple[int, ...]]) -> None:
    found = diverged(0.8, 0.8)
    assert found.seen is not None
    damaged = dataclasses.replace(found, seen=dataclasses.replace(found.seen, **nonsense))
    assert not trained(damaged).to(0.75, True).crossings[0].reached
