"""What was learned or counted beside the weights: medians over seeds, at every point of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.pair import MEMBERS, Member
from harness.declare.point import Point
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.records.seen import CURVE, Curve


@dataclass(frozen=True)
class Line:
    """One number over the steps of training, the median over seeds."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    low: float  # of all seeds, at the end
    high: float

    @property
    def moves(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Learned:
    """What one member learned at one point."""

    pair: str
    member: Member
    learner: str
    point: Point
    seeds: int
    lines: tuple[Line, ...]


def find(evidence: Evidence, judgement: Judgement) -> tuple[Learned, ...] | None:
    """Gather what curves have kept of all pairs; None where no learner had anything to keep."""
    found = tuple(
        Learned(pair.name, member, pair.learner(member), dict(key), len(seen), lines)
        for pair in (judged.pair for judged in judgement.pairs)
        for member in MEMBERS
        for key, looks in evidence.by_point(pair, CURVE, member).items()
        for seen in [[curve for _, curve in looks]]
        if (lines := tuple(_lines(seen)))
    )
    return found or None


def _lines(seen: Sequence[Curve]) -> Iterator[Line]:
    """Yield every number that all seeds have, at the steps that they share."""
    first = seen[0]
    alike = [curve for curve in seen if curve.curve_steps == first.curve_steps]
    for name in first.watched:
        values = [curve.watched[name] for curve in alike if name in curve.watched]
        ends = [each[-1] for each in values]
        medians = tuple(median(at) for at in zip(*values, strict=True))
        yield Line(name, first.curve_steps, medians, min(ends), max(ends))
