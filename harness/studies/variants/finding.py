"""What a study of variants finds: the figures of every one, and which to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.judge.statistics import Interval


def trained_words(inner_steps: int | None) -> str:
    """Say at how many inner steps variants were trained, where it is known."""
    if inner_steps is None:
        return ""
    return f"trained at {inner_steps}\u00a0inner step{'s' * (inner_steps != 1)}"


@dataclass(frozen=True)
class At:
    """A variant at a number of inner steps."""

    steps: int
    quality: float | None  # on test tasks, the mean over tasks and seeds
    over_tasks: Interval | None
    seconds: Interval | None  # of one task's adaptation: the median over rounds
    tail: float | None  # the 95th percentile of all calls
    batch_seconds: float | None  # of a batch of tasks
    batch_tail: float | None
    flops: int | None  # of one task's adaptation


@dataclass(frozen=True)
class VariantRow:
    """A variant of the method, or the baseline, at all numbers of inner steps."""

    name: str
    known_as: str
    at: tuple[At, ...]


@dataclass(frozen=True)
class Rival:
    """A variant that others have published: its gain on test tasks, and baseline over its time."""

    name: str
    known_as: str
    gain: Interval | None
    ratio: Interval | None
    not_worse: bool | None = None  # on test tasks; of the best one nothing is asked but its gain


@dataclass(frozen=True)
class Choice:
    """The fastest variant that loses no more than tau on validation tasks, judged apart from them.

    gain    on test tasks over the full variant; above 0 it is better
    ratio   the baseline's time of one task over the variant's, in rounds that did not choose
    rival   the fastest of the published variants that lose no more than tau as well
    """

    tau: float
    steps: int
    variant: str
    known_as: str
    own: tuple[str, ...]  # what each seed's own validation tasks would have chosen
    within: int  # how many variants lose no more
    valid_gain: float
    gain: Interval | None
    not_worse: bool | None
    reason: str
    ratio: Interval | None
    own_ratio: (
        Interval | None
    )  # the method's own part: the full variant's time over the chosen one's
    batch_ratio: Interval | None
    flops_ratio: float | None
    rival: Rival | None


@dataclass(frozen=True)
class Best:
    """The variant of the highest validation quality, whatever its time, judged on test tasks.

    own     what is judged of every seed: the best by the other seeds, so that luck in a seed's own
            training, which test tasks show too, is not counted as a gain
    gain    of these, and of the rival's likewise
    """

    steps: int
    variant: str
    known_as: str
    own: tuple[str, ...]
    gain: Interval | None
    ratio: Interval | None
    rival: Rival | None  # the best of the published ones, on validation tasks as well


@dataclass(frozen=True)
class Selection:
    """All variants of a method beside the baseline, and which to take."""

    metric: str
    higher_is_better: bool
    margin: float
    rows: tuple[VariantRow, ...]
    baseline: VariantRow
    full: str
    choices: tuple[Choice, ...]
    best: tuple[Best, ...]
    batch: int | None
    seeds: int
    choosing_rounds: int
    judging_rounds: int
    trained_at: int | None = None  # inner steps of the training
    means: Mapping[str, str] = field(default_factory=dict)
    """What variants do whose names are codes."""

    def choice(self, tau: float, steps: int) -> Choice | None:
        found = (c for c in self.choices if (c.tau, c.steps) == (tau, steps))
        return next(found, None)
