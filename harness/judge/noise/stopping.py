"""When a pair's rounds have decided what they were taken for.

A claim on a time is decided once its word can hardly change: the interval lies beyond the noise and
on one side of the published ratio, or shows the method slower, or is as narrow as asked. Either end
of the interval errs in at most ERROR_RATE of all runs, however often it was looked at and whenever
rounds stop. So at most as many call "met" what is less than published, "smaller" what is not, or
"reversed" what is no slower. Where no claim is on a time, rounds go on until all ratios are as
narrow as asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence

from harness.declare.claims import Claim
from harness.declare.pair import Pair
from harness.declare.passes import Pass, Seen
from harness.declare.rounds import choosing_rounds
from harness.declare.study import Study
from harness.judge.evidence import Evidence, latest
from harness.judge.judgement import Ratio
from harness.judge.noise.pair_noise import Noise, noise_of
from harness.judge.noise.run_noise import twins_in
from harness.judge.noise.sequential import look_at
from harness.judge.ratios import CONFIDENCE, clocked, ratios
from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.records.manifest import Manifest
from harness.records.record import Record

ERROR_RATE = (1 - CONFIDENCE) / 2

Decides = Callable[[Pair, Sequence[Record[Seen]]], str | None]


def decides_by(
    manifest: Manifest, passes: Mapping[str, Pass[Seen]], studies: Sequence[Study] = ()
) -> Decides:
    """Return what says by what a pair's rounds are decided, from the records of these alone."""
    suite, known = manifest.suite, {claim.name: claim for claim in manifest.claims}

    def decided(pair: Pair, records: Sequence[Record[Seen]]) -> str | None:
        rounds = _rounds(pair, records, passes)
        if rounds < MIN_ROUNDS or look_at(rounds) is None:
            return None
        held_to = [known[name] for name in pair.claims if suite.verdicts]
        taken = latest(records)
        about = dataclasses.replace(manifest, plan=tuple(record.block for record in taken))
        evidence = Evidence(about, taken, passes)
        open_ = _open(evidence, pair, held_to, suite.protocol.precision, studies)
        return None if open_ else f"decided by {rounds} rounds"

    return decided


def settled(interval: Interval, published: float, floor: float, precision: float) -> bool:
    """Say whether more rounds could hardly change the word for a published ratio."""
    real, reversed_ = interval.low > 1 + floor, interval.high < 1 - floor
    apart = interval.low >= published or interval.high < published
    return (real and apart) or reversed_ or narrow(interval, precision)


def narrow(interval: Interval, precision: float) -> bool:
    """Say whether an interval is as narrow as its estimate give or take this share."""
    return interval.high <= (1 + precision) ** 2 * interval.low


def _open(
    evidence: Evidence,
    pair: Pair,
    claims: Sequence[Claim],
    precision: float,
    studies: Sequence[Study],
) -> bool:
    of_twin = evidence.twins_of(pair)
    if of_twin is None:
        return True
    twins = twins_in(*of_twin, studies)
    noise = noise_of(twins)
    if noise.ok is not True:  # until that has passed nothing can be said
        return True
    timed = [ratio for ratio in ratios(evidence, pair) if clocked(ratio.measure)]
    asked = {reading.measure for claim in claims for reading in claim.readings}
    claimed = [ratio for ratio in timed if ratio.measure in asked]
    if claimed:
        return any(_claim_open(each, claims, noise, precision) for each in claimed)
    every = [*(ratio.interval for ratio in timed), *(each.interval for each in twins)]
    return any(each is not None and not narrow(each, precision) for each in every)


def _claim_open(ratio: Ratio, claims: Sequence[Claim], noise: Noise, precision: float) -> bool:
    floor = noise.floor_of(ratio.measure)
    if ratio.interval is None or floor is None:
        return False  # nothing was measured that rounds could tell more of
    return any(
        not settled(ratio.interval, reading.value, floor, precision)
        for claim in claims
        for reading in claim.readings
        if reading.measure == ratio.measure
    )


def _rounds(pair: Pair, records: Sequence[Record[Seen]], passes: Mapping[str, Pass[Seen]]) -> int:
    """Return how many rounds of every pass that compares times there are to judge by."""
    taken: dict[str, set[tuple[int, int]]] = {
        name: set() for name in pair.every_pass if passes[name].compares_times
    }
    for record in records:
        if record.measured in taken and record.member == "baseline" and record.status == "ok":
            taken[record.measured].add((record.seed, record.round))
    return min((_judging(each, passes[name]) for name, each in taken.items()), default=0)


def _judging(taken: Collection[tuple[int, int]], by: Pass[Seen]) -> int:
    chose = choosing_rounds(taken) if by.chooses else ()
    return sum(number not in chose for _, number in taken)
