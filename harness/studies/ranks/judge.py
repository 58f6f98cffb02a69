"""How the time of a method's step changes as ranks are added, and what more of them would do.

What was measured and what a model predicts are kept apart here and ever after: a prediction is
never a ratio of the pair, and no verdict looks at one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.claims import Claim
from harness.declare.suite import Pair, Protocol
from harness.judge.blocks import Key, key, usable, why_absent
from harness.judge.statistics import MIN_ROUNDS, Interval, paired_ratio
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.seeds import derive
from harness.studies.ranks.model import Point, Seen, Shape, fit
from harness.studies.ranks.prediction import Prediction, predict

Times = Mapping[Key, float]


@dataclass(frozen=True)
class Scaled:
    """What so many ranks took for a step."""

    point: Point
    held_out: bool  # from the model, which is checked on it
    seconds: Interval
    allreduce_s: float | None  # of these, what the all-reduces cost
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


def scaling_of(
    records: Sequence[Record], pair: Pair, manifest: Manifest, claims: Iterable[Claim]
) -> Scaling | None:
    """Return the pair's scaling, where that pass measured anything."""
    found = usable(records, pair, "scaling", "method")
    if not found:
        return None
    protocol, seed = manifest.suite.protocol, derive(0, "scaling", pair.name)
    baseline = {
        key(r): median(r.seconds or ()) for r in usable(records, pair, "scaling", "baseline")
    }
    ranks = sorted((*protocol.scaling_ranks, protocol.scaling_held_out))
    strong = _series([_strong(each, protocol) for each in ranks], found, baseline, protocol, seed)
    weak = _series([_weak(each, protocol) for each in ranks], found, {}, protocol, seed)
    cores = manifest.probes.get("usable_cores")
    counted = [record for record in found if record.allreduce_bytes is not None]
    scaling = Scaling(
        batch=protocol.scaling_batch,
        share=protocol.scaling_share,
        cores=cores if isinstance(cores, int) else None,
        threads=found[0].threads,
        baseline=_middle(baseline, seed) if baseline else None,
        strong=strong,
        weak=weak,
        calls=max((record.allreduce_calls or 0 for record in counted), default=None),
        bytes=max((record.allreduce_bytes or 0 for record in counted), default=None),
        prediction=None,
        reason=None,
    )
    if not baseline:
        return dataclasses.replace(scaling, reason=why_absent(records, pair, "scaling", "baseline"))
    return _predicted(scaling, found, baseline, protocol, claims, seed)


def _predicted(
    scaling: Scaling,
    found: Sequence[Record],
    baseline: Times,
    protocol: Protocol,
    claims: Iterable[Claim],
    seed: int,
) -> Scaling:
    """Return the scaling with what its model says, or with why it has none."""
    if scaling.cores is None or scaling.threads is None:
        return dataclasses.replace(scaling, reason="how many cores there are is unknown")
    if scaling.bytes is None:
        return dataclasses.replace(scaling, reason="no rank counted what it sent")
    seats = max(1, scaling.cores // scaling.threads)
    rounds = _rounds(found, baseline, protocol, seats)
    if len(rounds) < MIN_ROUNDS:
        why = f"{len(rounds)} rounds hold every point, and a model needs {MIN_ROUNDS} of them"
        return dataclasses.replace(scaling, reason=why)
    held_out = {s.point: s.seconds for s in (*scaling.strong, *scaling.weak) if s.held_out}
    readings = [r for claim in claims for r in claim.readings if r.measure == "step_time"]
    model = fit(rounds, Shape(seats, scaling.bytes), seed)
    prediction = predict(model, held_out, protocol.scaling_batch, readings)
    return dataclasses.replace(scaling, prediction=prediction)


def _rounds(found: Sequence[Record], baseline: Times, protocol: Protocol, seats: int) -> list[Seen]:
    """Return the rounds in which every point was measured that the model is fitted to."""
    ranks = protocol.scaling_ranks
    wanted = {Point(*each) for each in protocol.scaling_points if each[0] in ranks}
    # Ranks that wait for a core, too, say little of the wire; they are asked where no others are.
    wired = [each for each in ranks if 1 < each <= seats] or [each for each in ranks if each > 1]
    rounds = []
    for each, before in baseline.items():
        mine = [record for record in found if key(record) == each and _point(record) in wanted]
        wires: dict[tuple[int, int], list[float]] = {}
        for record in mine:
            if _point(record).ranks in wired:
                bare = zip(record.wire_bytes or (), record.wire_seconds or (), strict=True)
                for size, seconds in bare:
                    wires.setdefault((_point(record).ranks, size), []).append(seconds)
        if {_point(record) for record in mine} == wanted and {w for w, _ in wires} == {*wired}:
            steps = {_point(record): median(record.seconds or ()) for record in mine}
            rounds.append(Seen(before, steps, {wire: median(s) for wire, s in wires.items()}))
    return rounds


def _series(
    points: Sequence[Point],
    found: Sequence[Record],
    baseline: Times,
    protocol: Protocol,
    seed: int,
) -> tuple[Scaled, ...]:
    """Return what was measured of these points, the first of which is one rank's."""
    times: dict[Point, Times] = {
        point: {key(r): median(r.seconds or ()) for r in found if _point(r) == point}
        for point in points
    }

    def scaled(point: Point) -> Scaled:
        mine = [record for record in found if _point(record) == point]
        # Whose tasks grow with the ranks is as fast with them as without when none is lost.
        kept = point.tasks / points[0].tasks / point.ranks
        return Scaled(
            point,
            point.ranks == protocol.scaling_held_out,
            _middle(times[point], seed),
            _median(record.allreduce_seconds for record in mine),
            _median(record.imbalance_seconds for record in mine),
            _ratio(times[points[0]], times[point], seed, kept),
            _ratio(baseline, times[point], seed),
        )

    return tuple(scaled(point) for point in points if times[point])


def _strong(ranks: int, protocol: Protocol) -> Point:
    return Point(ranks, protocol.scaling_batch)


def _weak(ranks: int, protocol: Protocol) -> Point:
    return Point(ranks, protocol.scaling_share * ranks)


def _point(record: Record) -> Point:
    return Point(record.processes or 1, record.tasks or 0)


def _middle(values: Times, seed: int) -> Interval:
    """Return the median over rounds with its interval."""
    return paired_ratio(values, dict.fromkeys(values, 1.0), seed=seed)


def _ratio(before: Times, after: Times, seed: int, factor: float = 1.0) -> Interval | None:
    if not any(each in after for each in before):
        return None
    found = paired_ratio(before, after, seed=seed)
    return dataclasses.replace(
        found, estimate=found.estimate * factor, low=found.low * factor, high=found.high * factor
    )


def _median(values: Iterable[tuple[float, ...] | None]) -> float | None:
    known = [median(each) for each in values if each]
    return median(known) if known else None
