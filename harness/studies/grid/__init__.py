"""A grid: the best of many settings, by the meta-steps that each side takes to a target.

"Up to so many times" is a maximum over settings. The spine's learning curves are read at every
point of a sweep. Each half of the seeds chooses a setting, and the other half judges it, so that
the luck of a maximum is not counted. Beside that stands the ratio where each side has its own best
setting, which is what a user gets, and the largest value of one setting at which a side still
trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.pair_study import PairSoFar, PairStudy


@dataclass(frozen=True)
class Settings:
    """What a suite may set in [study.grid]."""

    along: str = "inner_lr"
    """The setting whose largest trainable value is sought."""
    timeless: tuple[str, ...] = ("inner_lr",)
    """Settings that do not change a step's time, so that one timing serves all their values."""


BEST = Measure(
    "best_steps_to_target",
    "steps to target, best setting",
    "steps",
    "steps",
    "curve",
    over_seeds=True,
)
OWN_BEST = Measure(
    "own_best_steps_to_target",
    "steps to target, own best settings",
    "steps",
    "steps",
    "curve",
    over_seeds=True,
)
LARGEST = Measure(
    "largest_trainable", "largest trainable value", "", "range", "curve", over_seeds=True
)


@study("grid")
class Grid(Study):
    """The best of many settings: steps to targets at every point of a sweep."""

    settings = Settings
    measures = (BEST, OWN_BEST, LARGEST)
    shown_by = "harness.studies.grid.show:parts"
    told_by = "harness.studies.grid.show:said"

    def of_pair(self, so_far: PairSoFar) -> PairStudy | None:
        """Judge a grid where the suite has settings for it or a claim is about it.

        Other sweeps have no best setting: nobody picks the share of data that is kept.
        """
        from harness.studies.grid.judge import grid

        given = so_far.evidence.manifest.suite.study.get(self.name)
        if given is None and not so_far.asks(*(each.name for each in self.measures)):
            return None
        return grid(so_far, self.settings_of(given or {}))
