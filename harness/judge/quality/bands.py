"""Learning curves over seeds: what is least, in the middle and most at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from harness.declare.pair import MEMBERS, Member, Pair
from harness.judge.evidence import Evidence
from harness.records.seen import CURVE, Curve


@dataclass(frozen=True)
class Band:
    """A member's learning curves, at the steps that all of its seeds report."""

    member: Member
    metric: str | None
    seeds: int
    steps: tuple[int, ...]
    lows: tuple[float, ...]
    medians: tuple[float, ...]
    highs: tuple[float, ...]
    last_step: int
    last: float  # the median over seeds of what each one's curve ends with


def bands(evidence: Evidence, pair: Pair) -> Iterator[Band]:
    """Yield the band of each member that has learning curves at the pair's own settings."""
    for member in MEMBERS:
        found = evidence.usable(pair, CURVE, member)
        if found:
            yield _band(member, found[0][0].metric, [seen for _, seen in found])


def _band(member: Member, metric: str | None, curves: list[Curve]) -> Band:
    tables = [dict(zip(seen.curve_steps, seen.curve_quality, strict=False)) for seen in curves]
    steps = sorted(set.intersection(*map(set, tables)))
    at = [[table[step] for table in tables] for step in steps]
    return Band(
        member,
        metric,
        len(curves),
        tuple(steps),
        tuple(map(min, at)),
        tuple(map(median, at)),
        tuple(map(max, at)),
        max(seen.curve_steps[-1] for seen in curves),
        median(seen.curve_quality[-1] for seen in curves),
    )
