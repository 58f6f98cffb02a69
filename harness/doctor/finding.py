"""A finding: what was looked at, how it stands, what that does to a number, how to mend it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """How a finding stands, the gravest first."""

    UNFIT = "unfit"  # it disturbs times
    LACKING = "lacking"  # it keeps something from being measured
    ADVICE = "advice"  # times would be steadier without it
    UNKNOWN = "unknown"
    FIT = "fit"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    seen: str
    effect: str = ""
    """What it does to a number."""
    remedy: str = ""


def fit(subject: str, seen: str) -> Finding:
    return Finding(subject, State.FIT, seen)


def unknown(subject: str, seen: str) -> Finding:
    return Finding(subject, State.UNKNOWN, seen)
