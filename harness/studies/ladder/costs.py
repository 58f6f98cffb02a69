"""What a rung costs once, and from what run length on it pays: derived, and never a measurement."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.measures import MEASURES
from harness.judge.evidence import Evidence, Key
from harness.judge.judgement import PairJudgement
from harness.judge.ratios import values_of
from harness.judge.statistics import Interval, median_interval, paired_ratio
from harness.records.seen import STEP
from harness.seeds import derive
from harness.studies.ladder import ONE_OFF, OneOff, Place, Settings


@dataclass(frozen=True)
class Once:
    """What is paid once, in the median over seeds.

    `first_s` and `later_s` are what the first meta-update on a draw of tasks takes beyond the same
    one repeated: on the first draw, and on those after it. So is `warm_s`, on the first draw in a
    second process.
    """

    first_s: float
    later_s: float
    draws: int
    made: int
    """What the learner itself counts as compiled, captured or built over these draws."""
    made_s: float
    warm_s: float | None = None

    @classmethod
    def of(cls, found: Sequence[OneOff]) -> Once | None:
        if not found:
            return None
        first, later = zip(*map(_beyond, found), strict=True)
        warm = [
            max(0.0, w - s.again_seconds[0]) for s in found if (w := s.warm_seconds) is not None
        ]
        return cls(
            median(first),
            median(later),
            len(found[0].first_seconds),
            round(median(each.preparations[-1] for each in found)),
            median(each.preparation_seconds[-1] for each in found),
            median(warm) if warm else None,
        )

    def over(self, updates: float, apart: int) -> float:
        """Return the seconds that a run of so many meta-updates pays in all."""
        return self.first_s + self.later_s * (math.ceil(updates / apart) - 1)


@dataclass(frozen=True)
class Climb:
    """A rung with what was measured of it at the pair's own settings."""

    rung: str
    added: bool
    pair: str
    speedup: Interval | None
    baseline: dict[Key, float]
    method: dict[Key, float]
    samples: int | None
    once: Once | None

    @classmethod
    def of(cls, evidence: Evidence, place: Place, judged: PairJudgement) -> Climb:
        pair, measure = judged.pair, MEASURES["step_time"]
        ratio = judged.ratio(measure.name)
        timed = [record for record, _ in evidence.usable(pair, STEP, "method")]
        return cls(
            place.rung,
            place.added,
            pair.name,
            None if ratio is None else ratio.interval,
            values_of(evidence, pair, measure, "baseline"),
            values_of(evidence, pair, measure, "method"),
            next((record.samples for record in timed), None),
            Once.of([seen for _, seen in evidence.usable(pair, ONE_OFF, "method")]),
        )

    @property
    def baseline_s(self) -> float | None:
        return median(self.baseline.values()) if self.baseline else None

    @property
    def seconds(self) -> float | None:
        return median(self.method.values()) if self.method else None

    def run_s(self, updates: float, asked: Settings) -> float | None:
        """Return the seconds of a run of so many meta-updates, with all that it pays once."""
        if self.seconds is None or self.once is None:
            return None
        return self.once.over(updates, asked.apart) + updates * self.seconds


@dataclass(frozen=True)
class Rate:
    """How fast a rung trains: what others log too, and the seconds of a meta-epoch.

    The meta-epoch is derived: its meta-updates at the measured time, and what is paid once.
    """

    rung: str
    added: bool
    updates_a_second: Interval
    samples_a_second: Interval | None
    epoch_s: float | None
    baseline_epoch_s: float | None


@dataclass(frozen=True)
class BreakEven:
    """The meta-updates after which what was paid once is earned back; None is never.

    `soonest` and `latest` are at the ends of the speed-up's interval.
    """

    against: str
    updates: float | None
    soonest: float | None
    latest: float | None


@dataclass(frozen=True)
class Cost:
    """What a rung pays once, and when that is earned back."""

    rung: str
    added: bool
    once: Once
    against_baseline: BreakEven
    against_cheaper: BreakEven | None
    """Against the fastest rung that pays less; None where none does."""


@dataclass(frozen=True)
class Length:
    """A run of some length: the speed-up with all that is paid once, and the share of that."""

    rung: str
    added: bool
    name: str
    updates: int
    speedup: float
    share: float


def rates(climbs: Sequence[Climb], asked: Settings) -> Iterator[Rate]:
    for each in climbs:
        if each.seconds is None:
            continue
        seed = derive(0, "rate", each.pair)
        by_round = [1 / seconds for seconds in each.method.values()]
        samples = each.samples
        yield Rate(
            each.rung,
            each.added,
            median_interval(by_round, seed=seed),
            median_interval([samples * rate for rate in by_round], seed=seed) if samples else None,
            each.run_s(asked.epoch, asked),
            None if each.baseline_s is None else asked.epoch * each.baseline_s,
        )


def costs(climbs: Sequence[Climb], asked: Settings) -> tuple[Cost, ...]:
    found = []
    for each in climbs:
        if each.once is not None and each.speedup is not None and each.baseline_s is not None:
            once, later = each.once.first_s, each.once.later_s / asked.apart
            baseline = break_even("the baseline", once, later, each.baseline_s, each.speedup)
            cheaper = _against_cheaper(each, climbs, asked)
            found.append(Cost(each.rung, each.added, each.once, baseline, cheaper))
    return tuple(found)


def break_even(
    against: str, once_s: float, each_s: float, other_s: float, speedup: Interval
) -> BreakEven:
    """Return when a rung that pays `once_s`, and `each_s` a meta-update, has overtaken another."""

    def updates(faster: float) -> float | None:
        gain = other_s * (1 - 1 / faster) - each_s
        return max(0.0, once_s / gain) if gain > 0 else None

    return BreakEven(against, *map(updates, (speedup.estimate, speedup.high, speedup.low)))


def lengths(climbs: Sequence[Climb], asked: Settings) -> Iterator[Length]:
    for each in climbs:
        for asked_for in asked.lengths:
            took = each.run_s(asked_for.updates, asked)
            if took is None or each.once is None or each.baseline_s is None:
                continue
            speedup = asked_for.updates * each.baseline_s / took
            share = each.once.over(asked_for.updates, asked.apart) / took
            yield Length(each.rung, each.added, asked_for.name, asked_for.updates, speedup, share)


def _against_cheaper(mine: Climb, climbs: Sequence[Climb], asked: Settings) -> BreakEven | None:
    cheaper = [
        (each.seconds, each)
        for each in climbs
        if each.once is not None
        and each.seconds is not None
        and mine.once is not None
        and each.once.first_s < mine.once.first_s
    ]
    if not cheaper or mine.once is None:
        return None
    seconds, other = min(cheaper, key=lambda found: found[0])
    assert other.once is not None  # or it would not have been chosen
    # Pairs differ in name: what they share are seeds and rounds.
    theirs, own = ({at[1:]: s for at, s in each.method.items()} for each in (other, mine))
    if not any(at in own for at in theirs):
        return None
    faster = paired_ratio(theirs, own, seed=derive(0, "break-even", mine.pair, other.pair))
    once = mine.once.first_s - other.once.first_s
    later = (mine.once.later_s - other.once.later_s) / asked.apart
    words = f"{other.rung}, with those before" if other.added else other.rung
    return break_even(words, once, later, seconds, faster)


def _beyond(seen: OneOff) -> tuple[float, float]:
    """Return what the first draw's, and in the mean the later draws', first meta-update took more.

    What is shorter than its own repetition has paid nothing.
    """
    spans = zip(seen.first_seconds, seen.again_seconds, strict=True)
    first, *later = [max(0.0, before - after) for before, after in spans]
    return first, sum(later) / len(later) if later else 0.0
