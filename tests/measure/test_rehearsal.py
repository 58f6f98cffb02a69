"""Before a long run starts it says what it will cost, and what of it can't be measured here."""

from __future__ import annotations

import dataclasses

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure.estimate import Estimate
from harness.measure.plan import plan
from harness.measure.progress import announcement
from harness.measure.rehearsal import rehearsal
from harness.records.record import Record
from harness.records.seen import Times
from harness.registry import Registry

PASSES = Registry().passes
LONG = Pair("long", "plain", "fast", "toys", "", ("check", "trajectory", "step", "curve"))
SHORT = Pair("short", "plain", "fast", "toys", "", ("step", "curve"), protocol={"curve_steps": 9})
SUITE = Suite("s", "What it is for", (LONG, SHORT), Protocol(seeds=2, curve_steps=10_000))
BLOCKS = plan(SUITE, RunConfig(), Registry())
SHORTS = list(rehearsal(BLOCKS, PASSES))


def rehearsed(seconds: tuple[float, ...]) -> list[Record[Seen]]:
    return [block.record("ok").holding(Times(seconds)) for block in SHORTS]


def test_both_members_of_what_takes_long_are_rehearsed_and_no_others():
    assert [(b.pair.name, b.member, b.measured) for b in SHORTS] == [
        ("long", "baseline", "step"),
        ("long", "method", "step"),
    ]
    assert all(block.protocol.warmup_s < 0.01 for block in SHORTS)
    short = dataclasses.replace(SUITE, protocol=Protocol())
    assert not list(rehearsal(plan(short, RunConfig(), Registry()), PASSES))


def test_a_training_whose_steps_nothing_times_is_rehearsed_sooner():
    untimed = dataclasses.replace(LONG, name="untimed", passes=("curve",))
    pairs = dataclasses.replace(SUITE, pair=(untimed, LONG), protocol=Protocol(curve_steps=900))
    found = rehearsal(plan(pairs, RunConfig(), Registry()), PASSES)
    assert {block.pair.name for block in found} == {"untimed"}


def test_a_pairs_own_protocol_is_its_alone():
    steps = {block.pair.name: block.protocol.curve_steps for block in BLOCKS}
    assert steps == {"long": 10_000, "short": 9}


def test_the_cost_follows_from_the_steps_that_were_taken():
    """Two curves of 10,000 steps of 2 to 4 s; the method's may be left out, as inherited."""
    low, high = Estimate(BLOCKS, PASSES, rehearsed((2.0, 4.0))).of_pair("long")
    assert 2 * 20_000 < low < 1.2 * 2 * 20_000
    assert 2 * 4 * 20_000 < high < 1.2 * 2 * 4 * 20_000


def test_a_long_run_says_what_each_pair_costs():
    told = announcement(SUITE, len(BLOCKS), Estimate(BLOCKS, PASSES, rehearsed((2.0, 4.0))))
    lines = told.splitlines()
    assert lines[1].startswith("  long: fast against plain on toys; ")
    assert " h " in lines[1]
    assert lines[-1].startswith(f"at most {len(BLOCKS)} blocks, ")
    short = announcement(SUITE, 0, Estimate([], PASSES))
    assert "  long: fast against plain on toys\n" in short


def test_what_will_be_skipped_is_told_with_the_reason_and_costs_nothing():
    absent = [
        block.record("skipped", skip="absent", reason="no such data here") for block in SHORTS[:1]
    ]
    estimate = Estimate(BLOCKS, PASSES, absent)
    told = announcement(SUITE, len(BLOCKS), estimate)
    assert "  long: fast against plain on toys; will be skipped: no such data here\n" in told
    assert estimate.of_pair("long")[1] < 60
