"""Durations in words, as people say them."""

from __future__ import annotations

import math
from collections.abc import Callable


def between(low: float, high: float) -> str:
    """Say in what range a duration lies, as people do."""
    nearest = duration(low), duration(high)
    if nearest[0] == nearest[1]:
        return f"about {nearest[0]}"
    least, most = duration(low, math.floor), duration(high, math.ceil)
    number, _, unit = least.partition(" ")
    shared = most.partition(" ")[2] == unit and " " not in unit
    return f"{number if shared else least} to {most}"


def duration(seconds: float, whole: Callable[[float], int] = round) -> str:
    """Say how long that is in whole seconds, or from a minute on in whole minutes."""
    if whole(seconds) < 60:
        return f"{whole(seconds)} s"
    minutes = whole(seconds / 60)
    if minutes >= 6000:  # whose minutes nobody counts
        return f"{whole(seconds / 3600):,} h"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
