"""A rate with its exact interval."""

from __future__ import annotations

from scipy import stats

CONFIDENCE = 0.95


def with_interval(hits: int, trials: int) -> str:
    """Write a rate and what Clopper and Pearson's interval leaves possible."""
    low, high = clopper_pearson(hits, trials)
    return f"{hits} of {trials} = {hits / trials:.1%} [{low:.1%}, {high:.1%}]"


def clopper_pearson(hits: int, trials: int) -> tuple[float, float]:
    found = stats.binomtest(hits, trials).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)
