"""The ladders of a run: what every rung gives alone, and on top of those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.declare.measures import MEASURES
from harness.declare.pair import with_settings, workload_words
from harness.declare.point import OWN, Point, Scalar, key_of, words_of
from harness.declare.settings import build
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.ratios import taken_of
from harness.judge.statistics import Interval, quotient
from harness.seeds import derive
from harness.studies.ladder import Place, Settings
from harness.studies.ladder.costs import Climb, Cost, Length, Rate, costs, lengths, rates
from harness.studies.ladder.learning import HeldOut, held_out

STEP_TIME = "step_time"


class Rung(NamedTuple):
    """A pair, and its place in a ladder."""

    place: Place
    judged: PairJudgement


@dataclass(frozen=True)
class Step:
    """What one rung gives at a point; what is missing is None, and `reason` says why."""

    rung: str
    alone: Interval | None
    so_far: Interval | None
    """Of this rung and all before it."""
    gives: Interval | None
    """On top of those before it."""
    since: str | None
    """The rung before those that `gives` is of; None where that is the baseline."""
    reason: str = ""


@dataclass(frozen=True)
class Waterfall:
    """The rungs of a ladder at one point, from the baseline down."""

    point: Point
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Reading:
    """A speed-up at a value of a setting."""

    value: float
    speedup: Interval


@dataclass(frozen=True)
class Line:
    """A rung's speed-ups along a setting."""

    rung: str
    added: bool
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Along:
    """How speed-ups change with one setting, all others being the pairs' own."""

    setting: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Ladder:
    """The rungs on one workload, against one baseline."""

    baseline: str
    workload: str
    waterfalls: tuple[Waterfall, ...]
    along: tuple[Along, ...]
    rates: tuple[Rate, ...]
    costs: tuple[Cost, ...]
    lengths: tuple[Length, ...]
    held_out: HeldOut | None
    remark: str = ""
    """What the suite says of run lengths."""


def find(evidence: Evidence, judgement: Judgement) -> tuple[Ladder, ...]:
    """Return the ladders that the pairs of a run form; of a pair that is withheld there is none."""
    suite = evidence.manifest.suite
    asked = build(Settings, suite.study.get("ladder", {}), "[study.ladder]")
    found: dict[tuple[str, str], list[Rung]] = {}
    learners = []
    for judged in judgement.pairs:
        pair = judged.pair
        place = build(Place, pair.study.get("ladder", {}), f"pair {pair.name}, study.ladder")
        if place.rung:
            of = with_settings(pair.baseline, pair.baseline_settings), workload_words(pair)
            found.setdefault(of, []).append(Rung(place, judged))
        if place.learning:
            learners.append(judged)
    return tuple(
        _ladder(evidence, asked, *of, rungs, _learner(rungs, learners))
        for of, rungs in found.items()
    )


def _learner(rungs: Sequence[Rung], learners: Sequence[PairJudgement]) -> PairJudgement | None:
    """Return a pair whose curve is of what these rungs train, at whatever rate."""
    trained = [_trained(rung.judged) for rung in rungs]
    return next((each for each in learners if _trained(each) in trained), None)


def _trained(judged: PairJudgement) -> tuple[str, dict[str, Scalar]]:
    """Return a pair's workload and its settings, but for the rate, which no step's time is of."""
    settings = judged.pair.settings
    return judged.pair.workload, {n: v for n, v in settings.items() if not n.endswith("_lr")}


def _ladder(
    evidence: Evidence,
    asked: Settings,
    baseline: str,
    workload: str,
    rungs: Sequence[Rung],
    learner: PairJudgement | None,
) -> Ladder:
    points = {key_of(ratio.point): ratio.point for r in rungs for ratio in r.judged.ratios}
    waterfalls = [_waterfall(evidence, rungs, point) for point in points.values()]
    climbs = [Climb.of(evidence, r.place, r.judged) for r in rungs]
    paid = costs(climbs, asked)
    return Ladder(
        baseline,
        workload,
        tuple(each for each in waterfalls if _is_told(each)),
        tuple(_along(rungs)),
        tuple(rates(climbs, asked)) if len(rungs) > 1 else (),
        paid,
        tuple(lengths(climbs, asked)),
        None if learner is None else held_out(evidence, learner, climbs, asked),
        asked.remark,
    )


def _is_told(found: Waterfall) -> bool:
    """Say whether more than one rung was measured at a point."""
    return sum(bool(step.alone or step.so_far) for step in found.steps) > 1


def _waterfall(evidence: Evidence, rungs: Sequence[Rung], point: Point) -> Waterfall:
    steps: list[Step] = []
    below: Rung | None = None
    for number, name in enumerate(dict.fromkeys(r.place.rung for r in rungs)):
        mine = [r for r in rungs if r.place.rung == name]
        alone = next((r for r in mine if not r.place.added), None)
        # The first rung has none before it, so alone it is all there is so far.
        so_far = next((r for r in mine if r.place.added), alone if number == 0 else None)
        known = None if so_far is None else _speedup(so_far, point)
        gives = None
        if so_far is not None and known is not None:
            gives = known if below is None else _on_top(evidence, so_far, below, point)
        since = None if below is None else below.place.rung
        ends = None if alone is None else _speedup(alone, point), known
        steps.append(Step(name, *ends, gives, since, _missing(alone, so_far, point)))
        if gives is not None:
            below = so_far
    return Waterfall(point, tuple(steps))


def _speedup(rung: Rung, point: Point) -> Interval | None:
    ratio = rung.judged.ratio(STEP_TIME, point)
    return None if ratio is None else ratio.interval


def _on_top(evidence: Evidence, above: Rung, below: Rung, point: Point) -> Interval | None:
    """Return by what factor one pair's speed-up is another's, round by round."""
    ends = _speedup(above, point), _speedup(below, point)
    of_both = [_by_round(evidence, rung, point) for rung in (above, below)]
    shared = [(of_both[0][each], of_both[1][each]) for each in of_both[0] if each in of_both[1]]
    if ends[0] is None or ends[1] is None or not shared:
        return None
    seed = derive(0, "ladder", above.judged.pair.name, words_of(point))
    return quotient(ends[0], ends[1], shared, seed=seed)


def _by_round(evidence: Evidence, rung: Rung, point: Point) -> dict[tuple[int, int], float]:
    """Return the speed-up in every round of every seed."""
    pair, measure = rung.judged.pair, MEASURES[STEP_TIME]
    baseline = taken_of(evidence, pair, measure, "baseline", point)
    method = taken_of(evidence, pair, measure, "method", point)
    return {at[1:]: baseline[at].over(method[at]) for at in baseline if at in method}


def _missing(alone: Rung | None, so_far: Rung | None, point: Point) -> str:
    """Say what of a rung was not measured, and why where that is known."""
    if so_far is None:
        return "no pair adds it to the rungs before"
    for rung in (so_far, alone):
        if rung is not None and _speedup(rung, point) is None:
            if rung.judged.withheld is not None:
                return rung.judged.withheld
            ratio = rung.judged.ratio(STEP_TIME, point)
            return ratio.reason if ratio and ratio.reason else "not measured at this point"
    return ""


def _along(rungs: Sequence[Rung]) -> Iterator[Along]:
    """Yield, for every setting that sweeps change on its own, the speed-ups along it."""
    swept = {next(iter(p)) for r in rungs for p in r.judged.pair.points if len(p) == 1}
    for setting in sorted(swept):
        lines = [
            Line(r.place.rung, r.place.added, readings)
            for r in rungs
            if len(readings := tuple(_readings(r, setting))) > 1
        ]
        if lines:
            yield Along(setting, tuple(lines))


def _readings(rung: Rung, setting: str) -> Iterator[Reading]:
    own = rung.judged.pair.settings.get(setting)
    points = [{setting: own}] if own is not None else []
    points += [p for p in map(dict, rung.judged.pair.points) if p.keys() == {setting}]
    found = {}
    for at in points:
        value = at[setting]
        interval = _speedup(rung, OWN if value == own else at)
        if interval is not None and isinstance(value, int | float) and value > 0:
            found[float(value)] = Reading(float(value), interval)
    yield from (found[value] for value in sorted(found))
