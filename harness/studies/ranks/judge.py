"""How the time of a method's step changes as ranks are added, and what more of them would do.

What was measured and what a model predicts are kept apart here and ever after: a prediction is
never a ratio of the pair, and no verdict looks at one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.pair import Pair
from harness.declare.point import Point as Swept
from harness.declare.settings import build
from harness.judge.evidence import Key, key
from harness.judge.pair_study import PairSoFar, PairStudy
from harness.judge.statistics import MIN_ROUNDS, Interval, paired_ratio
from harness.records.record import Record
from harness.records.seen import STEP, Times
from harness.seeds import derive
from harness.studies.ranks import WIRE, Settings, Wire
from harness.studies.ranks.model import Point, Seen, Shape, fit
from harness.studies.ranks.prediction import Prediction, predict

Seconds = Mapping[Key, float]
Found = dict[Point, list[tuple[Record[Times], Times]]]
"""The blocks of the method, by the ranks and the tasks that they shared."""


@dataclass(frozen=True)
class Scaled:
    """What so many ranks took for a step."""

    point: Point
    held_out: bool  # from the model, which is checked on it
    seconds: Interval
    computing_s: float  # of these, what the all-reduces leave
    allreduce_s: float | None  # what the all-reduces cost
    imbalance_s: float | None  # of these, what ranks waited for others that had more to do
    efficiency: Interval | None  # tasks a second and rank, as a share of one rank's
    speedup: Interval | None  # against the baseline, where that had as many tasks


@dataclass(frozen=True)
class Scaling:
    """A pair's method: strong with a batch of fixed size, weak with a fixed share a rank."""

    batch: int
    share: int
    cores: int | None
    threads: int | None  # of each rank
    baseline: Interval | None
    strong: tuple[Scaled, ...]
    weak: tuple[Scaled, ...]
    calls: int | None  # all-reduces a step
    bytes: int | None  # of them, a step
    prediction: Prediction | None
    reason: str | None  # why there is no model to predict by


@dataclass(frozen=True)
class OverRanks(PairStudy):
    """What was seen of a pair's method on several numbers of ranks."""

    scaling: Scaling

    @property
    def finding(self) -> Scaling:
        return self.scaling


def scaling_of(so_far: PairSoFar) -> OverRanks | None:
    """Return the pair's scaling, where its steps were timed on several numbers of ranks."""
    evidence, pair = so_far.evidence, so_far.pair
    looks = evidence.by_point(pair, STEP, "method").items()
    timed = {at: blocks for at, blocks in looks if "ranks" in dict(at)}
    # A planned point that gave nothing stays, for then no round holds every point.
    points = [*(at for at in pair.points_of(STEP.name) if "ranks" in at), *map(dict, timed)]
    found: Found = {_point(pair, at): [] for at in points}
    for at, blocks in timed.items():
        found[_point(pair, dict(at))].extend(blocks)
    first = next((record for blocks in found.values() for record, _ in blocks), None)
    if first is None:
        return None
    asked = build(Settings, evidence.manifest.suite.study.get("ranks", {}), "[study.ranks]")
    seed = derive(0, "scaling", pair.name)
    alone = next((at for at in points if _point(pair, at).tasks == asked.batch), None)
    baseline = {
        key(record): median(seen.seconds)
        for record, seen in (
            evidence.usable(pair, STEP, "baseline", pair.part_of("baseline", alone))
            if alone is not None
            else ()
        )
    }
    wires = {
        (_point(pair, dict(at)), key(record)): seen
        for at, blocks in evidence.by_point(pair, WIRE, "method").items()
        for record, seen in blocks
    }
    ranks = sorted({point.ranks for point in found})
    strong = [Point(each, asked.batch) for each in ranks]
    weak = [Point(each, asked.share * each) for each in ranks]
    cores = evidence.manifest.probes.get("usable_cores")
    counted = [seen for seen in wires.values() if seen.allreduce_bytes is not None]
    scaling = Scaling(
        batch=asked.batch,
        share=asked.share,
        cores=cores if isinstance(cores, int) else None,
        threads=first.threads,
        baseline=_middle(baseline, seed) if baseline else None,
        strong=_series(strong, found, baseline, asked, seed),
        weak=_series(weak, found, {}, asked, seed),
        calls=max((seen.allreduce_calls or 0 for seen in counted), default=None),
        bytes=max((seen.allreduce_bytes or 0 for seen in counted), default=None),
        prediction=None,
        reason=None,
    )
    if alone is None:
        why = (
            f"no point of the sweep has steps of {asked.batch} tasks: set meta_batch there or in "
            "the pair's settings, or batch in [study.ranks]"
        )
        return OverRanks(dataclasses.replace(scaling, reason=why))
    if not baseline:
        why = evidence.why_absent(pair, STEP, "baseline", alone)
        return OverRanks(dataclasses.replace(scaling, reason=why))
    steps = _Steps(found, wires, baseline, asked)
    return OverRanks(_predicted(scaling, steps, so_far, seed))


@dataclass(frozen=True)
class _Steps:
    """What a model is fitted to."""

    found: Found
    wires: Mapping[tuple[Point, Key], Wire]
    baseline: Seconds
    asked: Settings

    def rounds(self, seats: int) -> list[Seen]:
        """Return the rounds in which every point was measured that the model is fitted to."""
        wanted = {point for point in self.found if point.ranks != self.asked.held_out}
        ranks = sorted({point.ranks for point in wanted})
        # Ranks that wait for a core, too, say little of the wire: they are asked where no others
        # are.
        wired = [each for each in ranks if 1 < each <= seats] or [
            each for each in ranks if each > 1
        ]
        rounds = []
        for each, before in self.baseline.items():
            steps = {
                point: median(seen.seconds)
                for point in wanted
                for record, seen in self.found[point]
                if key(record) == each
            }
            bare: dict[tuple[int, int], list[float]] = {}
            for point in steps:
                wire = self.wires.get((point, each))
                if wire is not None and point.ranks in wired:
                    for size, seconds in zip(wire.wire_bytes, wire.wire_seconds, strict=True):
                        bare.setdefault((point.ranks, size), []).append(seconds)
            if steps.keys() == wanted and {ranks for ranks, _ in bare} == {*wired}:
                medians = {wire: median(seconds) for wire, seconds in bare.items()}
                rounds.append(Seen(before, steps, medians))
        return rounds


def _predicted(scaling: Scaling, steps: _Steps, so_far: PairSoFar, seed: int) -> Scaling:
    """Return the scaling with what its model says, or with why it has none."""
    if scaling.cores is None or scaling.threads is None:
        return dataclasses.replace(scaling, reason="the number of cores is unknown")
    if scaling.bytes is None:
        return dataclasses.replace(scaling, reason="no rank counted the bytes it sent")
    seats = max(1, scaling.cores // scaling.threads)
    rounds = steps.rounds(seats)
    if len(rounds) < MIN_ROUNDS:
        why = f"{len(rounds)} rounds hold every point, but the model needs {MIN_ROUNDS}"
        return dataclasses.replace(scaling, reason=why)
    held_out = {s.point: s.seconds for s in (*scaling.strong, *scaling.weak) if s.held_out}
    readings = [r for claim in so_far.claims for r in claim.readings if r.measure == "step_time"]
    model = fit(rounds, Shape(seats, scaling.bytes), seed)
    prediction = predict(model, held_out, scaling.batch, readings)
    return dataclasses.replace(scaling, prediction=prediction)


def _series(
    points: Sequence[Point], found: Found, baseline: Seconds, asked: Settings, seed: int
) -> tuple[Scaled, ...]:
    """Return what was measured of these points; without one rank's no efficiency is known."""
    times: dict[Point, Seconds] = {
        point: {key(record): median(seen.seconds) for record, seen in found.get(point, ())}
        for point in points
    }

    one = next((point for point in points if point.ranks == 1), None)

    def scaled(point: Point) -> Scaled:
        seen = [each for _, each in found[point]]
        # Whose tasks grow with the ranks is as fast with them as without when none is lost.
        kept = point.tasks / one.tasks / point.ranks if one else 1.0
        step, wire = _middle(times[point], seed), _median(each.allreduce_seconds for each in seen)
        return Scaled(
            point,
            point.ranks == asked.held_out,
            step,
            step.estimate - (wire or 0.0),
            wire,
            _median(each.imbalance_seconds for each in seen),
            _ratio(times[one] if one else {}, times[point], seed, kept),
            _ratio(baseline, times[point], seed),
        )

    return tuple(scaled(point) for point in points if times[point])


def _point(pair: Pair, at: Swept) -> Point:
    """Return the ranks and the tasks of a step; 0 where the pair does not say how many."""
    return Point(int(at["ranks"]), int(pair.at(at).settings.get("meta_batch", 0)))


def _middle(values: Seconds, seed: int) -> Interval:
    """Return the median over rounds with its interval."""
    return paired_ratio(values, dict.fromkeys(values, 1.0), seed=seed)


def _ratio(before: Seconds, after: Seconds, seed: int, factor: float = 1.0) -> Interval | None:
    if not any(each in after for each in before):
        return None
    found = paired_ratio(before, after, seed=seed)
    return dataclasses.replace(
        found, estimate=found.estimate * factor, low=found.low * factor, high=found.high * factor
    )


def _median(values: Iterable[tuple[float, ...] | None]) -> float | None:
    known = [median(each) for each in values if each]
    return median(known) if known else None
