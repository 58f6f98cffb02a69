"""Choosing: what is chosen by one part of the data is judged by another that had no part in it.

So the luck of a winner, with its tasks or with the clock, is not counted in its favour. Variants,
grids of settings, ladders and clusters choose by this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.judge.quality.accuracy import NonInferiority, accuracy, non_inferior
from harness.judge.ratios import CONFIDENCE
from harness.judge.statistics import Interval

ROUNDING = 1e-9  # of means that are equal but for the order of their terms


Halves = tuple[tuple[int, ...], tuple[int, ...]]
"""The seeds that choose, and those that judge what they chose."""


def halves(seeds: Iterable[int]) -> tuple[Halves, ...]:
    """Return the seeds' halves twice: each chooses once, and once judges what the other chose.

    So all seeds judge, and none judges what it had a part in choosing. A single seed can't.
    """
    ordered = sorted(seeds)
    one, other = tuple(ordered[::2]), tuple(ordered[1::2])
    return ((one, other), (other, one)) if other else ()


@dataclass(frozen=True)
class Candidates:
    """What may be chosen, and the control that all are held to.

    valid   by seed, the quality on validation tasks, which chooses
    test    by seed, the quality on every test task, which judges
    """

    valid: Mapping[str, Mapping[int, float]]
    test: Mapping[str, Mapping[int, Sequence[float]]]
    control: str
    higher_is_better: bool
    same_tasks: bool  # whether every seed is judged by the same test tasks
    seeds: Sequence[int]

    def within(self, tau: float, seconds: Mapping[str, float], seeds: Iterable[int]) -> list[str]:
        """Return those that lose no more than tau on validation tasks, the fastest first.

        Where lower is better tau is a share of the control's loss, as a claim's margin is.
        """
        seeds = list(seeds)
        control = self._mean(self.control, seeds)
        if control is None:
            return []
        allowed = self.allowed(tau, control) + ROUNDING
        good = [name for name in seconds if self.valid_gain(name, seeds) >= -allowed]
        return sorted(good, key=seconds.__getitem__)

    def valid_gain(self, name: str, seeds: Iterable[int]) -> float:
        """Return by how much one is better on validation tasks than the control."""
        seeds = list(seeds)
        own, control = self._mean(name, seeds), self._mean(self.control, seeds)
        if own is None or control is None:
            return -math.inf
        return own - control if self.higher_is_better else control - own

    def best_of(self, names: Sequence[str], seeds: Sequence[int]) -> str:
        return max(names, key=lambda name: self.valid_gain(name, seeds))

    def best_by_others(self, names: Sequence[str]) -> dict[int, str]:
        """Return for every seed the best by the other seeds' validation tasks."""
        return {
            seed: self.best_of(names, [s for s in self.seeds if s != seed] or self.seeds)
            for seed in self.seeds
        }

    def gain_of_best(self, names: Sequence[str]) -> Interval | None:
        """Return what the best gains: of each seed, the one that the other seeds take for it."""
        best = self.best_by_others(names)
        return self.gain({seed: self.test[name][seed] for seed, name in best.items()})

    def gain(self, own: Mapping[int, Sequence[float]]) -> Interval | None:
        """Return a gain on test tasks over the control, with two-sided bounds."""
        margin = 1.0  # which a gain knows nothing of
        return self._compared(own, margin, (1 + CONFIDENCE) / 2).gain

    def not_worse(self, name: str, margin: float) -> NonInferiority:
        """Test whether one loses no more on test tasks than a margin in the metric's unit."""
        return self._compared(self.test[name], margin)

    def allowed(self, share: float, of: float) -> float:
        return share if self.higher_is_better else share * abs(of)

    def margin(self, share: float) -> float:
        """Return how much of the control's test quality may be lost."""
        return self.allowed(share, accuracy(self.test[self.control]).mean)

    def _compared(
        self, own: Mapping[int, Sequence[float]], margin: float, confidence: float = CONFIDENCE
    ) -> NonInferiority:
        return non_inferior(
            self.test[self.control],
            own,
            margin,
            higher_is_better=self.higher_is_better,
            confidence=confidence,
            same_tasks=self.same_tasks,
        )

    def _mean(self, name: str, seeds: Iterable[int]) -> float | None:
        by_seed = self.valid.get(name, {})
        found = [by_seed[seed] for seed in seeds if seed in by_seed]
        return fmean(found) if found else None
