"""Words that every part of a report shares, and the cleaning of words from elsewhere."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TypeVar

from harness.declare.measures import MEASURES
from harness.declare.pair import Pair
from harness.judge.ratios import clocked, is_gain
from harness.judge.statistics import MIN_ROUNDS, Bounds, Interval, PairedInterval
from harness.report.units import count

T = TypeVar("T")

OVER_SEEDS = (Bounds.OVER_SEEDS, Bounds.OVER_BOTH)

# Joiners shape letters and emoji; every other format character can hide or reorder text.
_KEPT_FORMATS = "\u200c\u200d"


def measure_name(measure: str) -> str:
    row, steps = MEASURES.read(measure)
    name = measure.replace("_", " ") if row is None else row.words
    return name if steps is None else f"{name}, {count(steps, 'step')}"


def too_few(measure: str, interval: Interval) -> bool:
    """Say whether a ratio rests on too few values for its bounds to claim any confidence."""
    # A count repeats exactly. A mean of differences has Student's bounds, good for as few as two.
    exact = MEASURES.nature(measure) in ("count", "gain") or interval.method == Bounds.INHERITED
    return interval.n < MIN_ROUNDS and not exact


def span(measure: str, interval: Interval) -> str:
    """Say what the bounds are where they are no interval, or nothing where they are one."""
    if not too_few(measure, interval) or interval.low == interval.high:
        return ""
    return f"span of {count(interval.n, 'round' if clocked(measure) else 'value')}"


def basis(measure: str, interval: Interval) -> str:
    """Say what a ratio rests on."""
    if MEASURES.nature(measure) == "count":
        return "counted"
    if interval.method == Bounds.INHERITED:
        return str(Bounds.INHERITED)
    if is_gain(measure):
        return count(interval.n, "seed") if interval.method in OVER_SEEDS else interval.method
    number = count(interval.n, "round") if clocked(measure) else f"n = {interval.n}"
    number = span(measure, interval) or number
    if interval.low == interval.high:
        number += ", no interval" if interval.method == Bounds.ONE else f", {interval.method}"
    if isinstance(interval, PairedInterval) and interval.dropped:
        number += f", {interval.dropped} unpaired left out"
    return number


def team_words(pair: Pair) -> str:
    """Say on how many ranks the method is measured and by which reading, where there are more."""
    if pair.ranks == 1:
        return ""
    reading = {"same": "the same cores in total", "each": "the same cores per process"}[pair.cores]
    return f" on {count(pair.ranks, 'rank')} ({reading})"


def listed(words: list[str]) -> str:
    """Write "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def capital(text: str) -> str:
    """Return the text with a capital at its start."""
    return text[:1].upper() + text[1:]


def full_stop(text: str) -> str:
    """Return the text with a full stop at its end, unless it has one or is empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def shorten(text: str, most: int) -> str:
    """Cut a long text in its middle, so that both its ends still tell it from others."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def clean(text: str) -> str:
    """Return the text without characters that steer a terminal, break XML or hide what is said."""
    return "".join(_seen(character) for character in text)


def cleaned(value: T) -> T:
    """Return a tree of dataclasses and tuples with every text in it cleaned."""
    if isinstance(value, str):
        return clean(value)  # type: ignore[return-value]  # a T again
    if isinstance(value, tuple):
        return tuple(cleaned(part) for part in value)  # type: ignore[return-value]  # a T again
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value,
            **{
                f.name: cleaned(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init
            },
        )
    return value


def _seen(character: str) -> str:
    if character in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    category = unicodedata.category(character)
    if category == "Cf":
        return character if character in _KEPT_FORMATS else ""
    return "\ufffd" if category in ("Cc", "Cs", "Cn") else character
