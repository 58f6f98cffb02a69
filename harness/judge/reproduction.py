"""Whether a run that repeats another one's plan gives its figures again, on whatever machine.

Ratios agree if their intervals do not lie apart by more than the larger noise floor of the two
runs, as `compare` has it; accuracies and gains if their intervals overlap; counts if they are
equal. Seconds are never compared: machines differ. Where two figures are truly the same, intervals
of 95 % lie apart less often than once in a hundred times.

The exit code is the first of these that applies:

    6   a gradient check that passed before fails now
    1   a figure differs
    4   nothing could be compared
    3   of a kind of figure that both runs have, nothing could be decided
    0   everything that could be compared agrees
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.declare.measures import MEASURES
from harness.declare.point import words_of
from harness.errors import INCONCLUSIVE, MISMATCH, NOTHING, PASSED, REGRESSED
from harness.judge.comparison import Mismatch, decide_change, mismatches
from harness.judge.judged_run import JudgedRun
from harness.judge.judgement import Judgement, PairJudgement, Quality, Verdict
from harness.judge.noise.pair_noise import Noise
from harness.judge.statistics import Bounds, Interval
from harness.records.manifest import Manifest

Kind = Literal["ratio", "gain", "count", "accuracy"]
Word = Literal["agrees", "differs", "undecided", "not compared"]

AGREEMENTS: dict[str, Word] = {
    "better": "differs",
    "worse": "differs",
    "same": "agrees",
    "too few rounds": "undecided",
    "noise unknown": "undecided",
}

Name = tuple[str, str, str, str]
"""A pair, a measure, whose it is (of a ratio: nobody's alone), and the point, as words."""


@dataclass(frozen=True)
class Figure:
    """A figure of a run that another run should give again."""

    kind: Kind
    unit: str
    interval: Interval


@dataclass(frozen=True)
class Agreement:
    """One figure in both runs."""

    pair: str
    measure: str
    member: str
    point: str
    kind: Kind
    unit: str
    before: Interval
    after: Interval | None
    word: Word
    reason: str | None = None


@dataclass(frozen=True)
class Verdicts:
    """What became of one reading of a claim in both runs."""

    claim: str
    pair: str
    reading: str
    point: str
    before: str
    after: str | None  # None: the second run does not judge it

    @property
    def same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Reproduction:
    """Figure by figure what two runs of one plan have in common."""

    first: JudgedRun
    second: JudgedRun
    figures: tuple[Agreement, ...]
    verdicts: tuple[Verdicts, ...]
    mismatches: tuple[Mismatch, ...]
    plan: str | None  # how the second run's plan differs

    @property
    def exit_code(self) -> int:
        words = {figure.word for figure in self.figures}
        if self.mismatches:
            return MISMATCH
        if "differs" in words:
            return REGRESSED
        if not words - {"not compared"}:
            return NOTHING
        agreed = {figure.kind for figure in self.figures if figure.word == "agrees"}
        undecided = {figure.kind for figure in self.figures if figure.word == "undecided"}
        return INCONCLUSIVE if undecided - agreed else PASSED


def reproduction(first: JudgedRun, second: JudgedRun) -> Reproduction:
    """Hold the second run's figures to the first one's."""
    then, now = dict(_figures(first.judgement)), dict(_figures(second.judgement))
    noises = first.noises, second.noises
    found = []
    for name, figure in then.items():
        other = now.get(name)
        word, reason = _decide(name, figure, other, [each.of_pair(name[0]) for each in noises])
        after = None if other is None else other.interval
        found.append(
            Agreement(*name, figure.kind, figure.unit, figure.interval, after, word, reason)
        )
    return Reproduction(
        first,
        second,
        tuple(found),
        tuple(_verdicts(first.judgement, second.judgement)),
        mismatches(first.judgement, second.judgement),
        _plan(first.manifest, second.manifest),
    )


def _figures(judgement: Judgement) -> Iterator[tuple[Name, Figure]]:
    """Yield what a run found, but for the noise of A/A pairs, each figure once."""
    for judged in judgement.pairs:
        if not judged.pair.is_aa and judged.withheld is None:
            yield from _ratios(judged)
            if judged.quality is not None:
                yield from _accuracies(judged.pair.name, judged.quality)


def _ratios(judged: PairJudgement) -> Iterator[tuple[Name, Figure]]:
    ratios = (*judged.ratios, *judged.gains)
    for ratio in ratios:
        at = judged.pair.name, ratio.measure
        if MEASURES.nature(ratio.measure) == "count":
            for member, value in (("baseline", ratio.baseline), ("method", ratio.method)):
                if value is not None:
                    counted = Interval(value, value, value, 1, Bounds.COUNTED)
                    yield (*at, member, words_of(ratio.point)), Figure("count", ratio.unit, counted)
        elif ratio.interval is not None:
            yield (*at, "", words_of(ratio.point)), _paired(ratio.measure, ratio.interval)
    known = {(ratio.measure, words_of(ratio.point)) for ratio in ratios}
    for verdict in judged.verdicts:  # of figures that a study made
        measure, point = verdict.measure, words_of(verdict.point)
        if verdict.ratio is not None and (measure, point) not in known:
            yield (judged.pair.name, measure, "", point), _paired(measure, verdict.ratio)


def _paired(measure: str, interval: Interval) -> Figure:
    return Figure("gain" if MEASURES.nature(measure) == "gain" else "ratio", "", interval)


def _accuracies(pair: str, quality: Quality) -> Iterator[tuple[Name, Figure]]:
    """Yield what was measured of both members; what was inherited was not."""
    found = {"baseline": quality.over_tasks or quality.over_seeds}
    if not quality.inherited:
        found["method"] = quality.method_over_tasks or quality.method_over_seeds
    for member, interval in found.items():
        if interval is not None:
            yield (pair, quality.metric, member, ""), Figure("accuracy", "", interval)


def _decide(
    name: Name, before: Figure, after: Figure | None, noises: Sequence[Noise]
) -> tuple[Word, str | None]:
    if after is None:
        return "not compared", "the second run has no such figure"
    one, other = before.interval, after.interval
    if before.kind == "count":
        same = one.estimate == other.estimate
        return ("agrees", None) if same else ("differs", "counts must be equal")
    if before.kind in ("accuracy", "gain"):
        overlap = one.low <= other.high and other.low <= one.high
        return ("agrees", None) if overlap else ("differs", "the intervals lie apart")
    word, reason = decide_change(name[1], one, other, noises)
    found = AGREEMENTS[word]
    return found, "the intervals lie apart" if found == "differs" else reason


def _verdicts(before: Judgement, after: Judgement) -> Iterator[Verdicts]:
    now = {_reading(verdict): verdict.word for judged in after.pairs for verdict in judged.verdicts}
    for judged in before.pairs:
        for verdict in judged.verdicts:
            reading = _reading(verdict)
            yield Verdicts(*reading, verdict.word, now.get(reading))


def _reading(verdict: Verdict) -> tuple[str, str, str, str]:
    return verdict.claim, verdict.pair, verdict.reading, words_of(verdict.point)


def _plan(before: Manifest, after: Manifest) -> str | None:
    """Say how the second run's plan is not the first one's, if it is not."""
    if before.plan_hash == after.plan_hash:
        return None
    then, now = set(before.plan), set(after.plan)
    if then == now:
        return "its blocks are those of the first run, but are told to do something else"
    return (
        f"{len(then - now)} of the {len(then)} blocks that the first run planned are not in the "
        f"second run's plan, which has {len(now - then)} others"
    )
