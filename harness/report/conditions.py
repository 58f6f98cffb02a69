"""The conditions a claim was tested under, each with a short name that tells it from the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.declare.point import Point, words_of
from harness.judge.judgement import Verdict
from harness.judge.outcome import Outcome
from harness.report.tables.table import Tone
from harness.report.tables.verdict_table import tone_of
from harness.report.words import shorten

# What fits beside an axis.
MOST = 29


@dataclass(frozen=True)
class Condition:
    """A verdict under its short name."""

    label: str
    verdict: Verdict
    rival: bool

    @property
    def tone(self) -> Tone:
        return tone_of(self.verdict.word)


def conditions(outcome: Outcome) -> tuple[Condition, ...]:
    """Return every verdict on a claim: those of its own method, then those of rivals."""
    verdicts = (*outcome.own.verdicts, *outcome.rivals.verdicts)
    own = len(outcome.own.verdicts)
    names = told_apart([_parts(verdict, verdicts) for verdict in verdicts])
    return tuple(
        Condition(name, verdict, place >= own)
        for place, (name, verdict) in enumerate(zip(names, verdicts, strict=True))
    )


def _parts(verdict: Verdict, every: Sequence[Verdict]) -> str:
    """Name what tells the verdict from the claim's others: its pair, its reading, its point."""
    pairs, readings = {v.pair for v in every}, {v.reading for v in every}
    parts = [verdict.pair] if len(pairs) > 1 or len(readings) == 1 else []
    if len(readings) > 1:
        parts.append(verdict.reading)
    if verdict.point:
        parts.append(_point(verdict.point, {name for v in every for name in v.point}))
    return ", ".join(parts)


def _point(point: Point, swept: Collection[str]) -> str:
    """Write a point without the members' names, and a lone setting's word by itself."""
    short = {name.rpartition(".")[2] for name in swept}
    if len(swept) == 1 and isinstance(word := next(iter(point.values())), str):
        return word
    if len(short) == len(swept):
        point = {name.rpartition(".")[2]: value for name, value in point.items()}
    return words_of(point)


def told_apart(names: Sequence[str], most: int = MOST) -> list[str]:
    """Shorten names so that those which differ still do.

    What all of them begin or end with is left out where they are too long.
    """
    if max(map(len, names), default=0) > most and len(set(names)) > 1:
        start, end = _shared(names), _shared([name[::-1] for name in names])
        cut = [name[start : len(name) - end] if end else name[start:] for name in names]
        names = cut if all(cut) else names
    short = [shorten(name, most) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    return [f"{place}: {shorten(name, most - 4)}" for place, name in enumerate(names, 1)]


def _shared(names: Sequence[str]) -> int:
    """Return how much of their beginnings the names share, up to the last joint in it."""
    first, last = min(names), max(names)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    joints = [place + 1 for place, letter in enumerate(first[:same]) if letter in "-_ ,/"]
    return joints[-1] if joints else 0
