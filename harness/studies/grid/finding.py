"""What a grid shows, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.declare.pair import Member
from harness.declare.point import Point, Scalar, words_of
from harness.judge.judgement import Quality, Ratio
from harness.judge.statistics import Interval

Bound = Literal["", "at least", "at most", "open"]
"""What a ratio is where some seeds never got there: the baseline's, the method's, or both."""


@dataclass(frozen=True)
class Side:
    """How one member got to a target at one setting."""

    steps: float | None  # by which half of the seeds were there; None where fewer ever were
    reached: int
    seeds: int
    diverged: int  # of the seeds, those whose training came to no number
    seconds: float | None = None  # derived: the steps, times the measured time of a step


@dataclass(frozen=True)
class Cell:
    """Both members at one setting and one target."""

    row: Point  # the workload's swept settings but the one along the grid
    value: Scalar  # of the setting along the grid
    target: float
    baseline: Side
    method: Side
    ratio: float | None  # the median over seeds of the baseline's steps over the method's
    bound: Bound

    @property
    def neither(self) -> bool:
        """Whether no seed of either member got there, so that a ratio would say nothing."""
        return not self.baseline.reached and not self.method.reached


@dataclass(frozen=True)
class Choice:
    """What some seeds chose, and which others judge it."""

    baseline: Point
    method: Point
    target: float
    chosen_by: tuple[int, ...]
    judged_by: tuple[int, ...]

    @property
    def words(self) -> str:
        """What was chosen of the workload's settings."""
        before, after = (
            words_of({name: value for name, value in point.items() if "." not in name})
            for point in (self.baseline, self.method)
        )
        return after if before == after else f"{before} for the baseline, {after} for the method"


@dataclass(frozen=True)
class Race:
    """Settings chosen by each half of the seeds, and the ratio of steps in the other halves."""

    ratio: Ratio
    choices: tuple[Choice, ...] = ()
    late: tuple[Member, ...] = ()
    """The members of which some seeds that judge never got there."""
    quality: Quality | None = None
    """On test tasks, of the chosen settings in the seeds that judge."""
    seconds: Interval | None = None
    """The ratio in seconds, derived from steps and the measured time of a step."""


@dataclass(frozen=True)
class Reach:
    """The largest values at which each member gets there in most seeds; None where at none."""

    row: Point | None  # None: whatever the other settings are
    baseline: Scalar | None
    method: Scalar | None


@dataclass(frozen=True)
class Largest:
    """How large a value of one setting each member can be trained at."""

    target: float
    reaches: tuple[Reach, ...]
    ratio: Ratio  # the method's over the baseline's, by seed
    bounds: dict[Member, str]
    """The members on whose side the ratio is but a bound, and why."""


@dataclass(frozen=True)
class Arm:
    """The method with settings of its own, over all of the workload's."""

    settings: Point
    cells: tuple[Cell, ...]
    best: Race
    own_best: Race
    largest: Largest | None  # None where the setting takes one value alone


@dataclass(frozen=True)
class Finding:
    """All that a sweep of learning curves shows of a pair."""

    along: str
    metric: str
    higher_is_better: bool
    best_baseline: Point  # where the targets were set
    targets: tuple[float, ...]  # from easy to hard
    seeds: int
    arms: tuple[Arm, ...]
