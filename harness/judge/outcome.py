"""What became of every claim: by the paper's own method, by rivals, and beside other algorithms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.declare.claims import Claim
from harness.declare.measures import MEASURES, Scale
from harness.declare.pair import workload_words
from harness.judge.judgement import PairJudgement, Verdict
from harness.judge.statistics import Interval
from harness.judge.verdicts import Word


@dataclass(frozen=True)
class Span:
    """The least and the largest estimate over the conditions that were measured."""

    scale: Scale
    low: float
    high: float
    conditions: int


@dataclass(frozen=True)
class Group:
    """Verdicts that belong together: how often each word was given, and the ranges."""

    verdicts: tuple[Verdict, ...]
    words: tuple[tuple[Word, int], ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Beside:
    """A claim's method against one of the algorithms that the claim says it beats."""

    other: str
    measure: str
    pair: str | None  # None: no pair of the run compares the two
    workload: str = ""
    ratio: Interval | None = None
    held: bool = False  # whether a verdict of the claim rests on it


@dataclass(frozen=True)
class Outcome:
    """A claim, and what became of it."""

    claim: Claim
    own: Group
    """Of the paper's own method."""
    rivals: Group
    """Of other methods that are held to the same figures."""
    beside: tuple[Beside, ...] = ()
    beside_spans: tuple[Span, ...] = ()


def outcomes(claims: Sequence[Claim], pairs: Sequence[PairJudgement]) -> tuple[Outcome, ...]:
    """Return what became of the claims that were judged, in the order of the claims."""
    held: dict[str, list[tuple[PairJudgement, Verdict]]] = {}
    for judged in pairs:
        for verdict in judged.verdicts:
            held.setdefault(verdict.claim, []).append((judged, verdict))
    return tuple(_outcome(claim, held[claim.name], pairs) for claim in claims if claim.name in held)


def _outcome(
    claim: Claim, held: Sequence[tuple[PairJudgement, Verdict]], pairs: Sequence[PairJudgement]
) -> Outcome:
    own = [(judged, verdict) for judged, verdict in held if not judged.pair.rival]
    beside = tuple(_beside(claim, [judged for judged, _ in own], pairs))
    return Outcome(
        claim,
        _group(verdict for _, verdict in own),
        _group(verdict for judged, verdict in held if judged.pair.rival),
        beside,
        _spans((each.measure, each.ratio) for each in beside),
    )


def _group(verdicts: Iterable[Verdict]) -> Group:
    found = tuple(verdicts)
    words = Counter(verdict.word for verdict in found)
    spans = _spans((verdict.measure, verdict.ratio) for verdict in found)
    return Group(found, tuple(words.items()), spans)


def _spans(measured: Iterable[tuple[str, Interval | None]]) -> tuple[Span, ...]:
    found: dict[Scale, list[float]] = {}
    for measure, ratio in measured:
        if ratio is not None:
            found.setdefault(scale_of(measure), []).append(ratio.estimate)
    return tuple(Span(scale, min(each), max(each), len(each)) for scale, each in found.items())


def scale_of(measure: str) -> Scale:
    row = MEASURES.of(measure)
    return "speed" if row is None else row.scale


def _beside(
    claim: Claim, own: Sequence[PairJudgement], pairs: Sequence[PairJudgement]
) -> Iterable[Beside]:
    """Yield the claim's method against each other algorithm, wherever a pair compares the two."""
    methods = {judged.pair.method for judged in own}
    names = {judged.pair.name for judged in own}
    for measure in dict.fromkeys(reading.quantity for reading in claim.readings):
        for other in claim.others:
            mine = [
                judged
                for judged in pairs
                if judged.pair.method in methods
                and judged.pair.baseline == other
                and judged.pair.ranks == 1
            ]
            found = [
                Beside(
                    other,
                    measure,
                    judged.pair.name,
                    workload_words(judged.pair),
                    ratio.interval,
                    judged.pair.name in names,
                )
                for judged in mine
                if (ratio := judged.ratio(measure)) is not None and ratio.interval is not None
            ]
            yield from found or [Beside(other, measure, None)]
