"""A spread: values as they come in, and what half of them lie between."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

Range = tuple[float, float]


class Spread:
    """Values in order, so that looking at many costs no more than looking at few."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._values = sorted(values)

    def add(self, value: float) -> None:
        insort(self._values, value)

    @property
    def middle_half(self) -> Range:
        """What half of the values lie between; of few, all of them."""
        if len(self._values) < 4:
            return self._values[0], self._values[-1]
        return self._quantile(0.25), self._quantile(0.75)

    def _quantile(self, share: float) -> float:
        place, part = divmod(share * (len(self._values) - 1), 1)
        below, above = self._values[int(place) : int(place) + 2]  # there are, of four or more
        return below + part * (above - below)
