"""Variants: one method set in many ways, of which the fastest that is good enough is taken.

A method names its variants. One training serves all of them, or each is trained for itself; their
quality is looked at on validation and on test tasks, and their adaptation is timed call by call, at
several numbers of inner steps. Each variant at a number of steps is a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness.declare.measures import Measure, Timing
from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.records.seen import LARGEST, clock_gives, counted, of_metric, of_unit, upwards
from harness.registry import study


@dataclass(frozen=True)
class Settings:
    """What a suite may set in [study.variants]."""

    train_steps: int = 200
    """Meta-steps before variants are looked at."""
    inner_steps: tuple[int, ...] = (1, 5, 10)
    """Inner steps at which they are looked at."""
    tasks: int = 100
    """Validation tasks that variants are chosen by."""
    test_tasks: int = 150
    """Test tasks that judge the choice."""
    calls: int = 10
    """Timed adaptations of a variant to one task, in every round."""
    batch: int = 8
    """Tasks in the batch that every variant is timed on as well."""

    def __post_init__(self) -> None:
        if not self.inner_steps or self.inner_steps[0] < 1 or not upwards(self.inner_steps):
            raise ValueError(
                f"inner_steps = {list(self.inner_steps)} must go upwards from 1 or more"
            )
        for name in ("train_steps", "tasks", "test_tasks", "calls", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be above 0")


@dataclass(frozen=True)
class Quality(Seen):
    """The quality of one variant, at one number of inner steps, after training."""

    of_quality: ClassVar[bool] = True

    valid: float = of_metric()  # mean over validation tasks
    test: tuple[float, ...] = of_metric()  # of every test task
    known_as: str = ""  # as others have published the variant
    full: bool = False  # whether it leaves nothing out
    means: str = ""  # what it does, where its name is a code
    trained_at: int | None = of_unit("steps")  # the inner steps of the training

    def flaw(self) -> str | None:
        if not self.test:
            return "its record does not hold the test tasks of every variant"
        if not all(-LARGEST < value < LARGEST for value in (self.valid, *self.test)):
            return "its record holds a quality that is no measurement"
        if self.trained_at is not None and not 0 < self.trained_at < LARGEST:
            return "its record tells of a training at inner steps that nobody takes"
        return None


@dataclass(frozen=True)
class CallTimes(Seen):
    """The seconds of every call of one variant's adaptation: to one task, and to a batch.

    `wall_seconds` are what the clock said of the single calls, what strangers took included.
    """

    seconds: tuple[float, ...] = of_unit("s", ())
    batch_seconds: float | None = of_unit("s")
    batch: int | None = of_unit("tasks")
    known_as: str = ""
    full: bool = False
    wall_seconds: tuple[float, ...] | None = of_unit("s")

    def flaw(self) -> str | None:
        if not self.seconds:
            return "its record holds a variant that was never called"
        if self.wall_seconds is not None and len(self.wall_seconds) != len(self.seconds):
            return "its record does not hold both clocks' seconds of every call"
        of_batch = () if self.batch_seconds is None else (self.batch_seconds,)
        timed = (*self.seconds, *(self.wall_seconds or ()), *of_batch)
        return None if clock_gives(timed) else "its record holds seconds which no clock gives"


@dataclass(frozen=True)
class CallOperations(Seen):
    """What one variant's adaptation to one task computes."""

    flops: int = of_unit("operations", 0)
    known_as: str = ""
    full: bool = False

    def flaw(self) -> str | None:
        return None if counted([self.flops]) else "its record holds operations which nothing counts"


def _given(given: dict[str, Any], *names: str) -> list[int]:
    return [int(given.get(name, getattr(Settings, name))) for name in names]


def _trained_steps(given: dict[str, Any]) -> float:
    return float(sum(_given(given, "train_steps", "tasks", "test_tasks")))


def _timed_steps(given: dict[str, Any]) -> float:
    return 2.0 * sum(_given(given, "calls"))


MEASURE = "harness.studies.variants.measure"
QUALITIES = Pass(
    "variants",
    Quality,
    "seeds",
    f"{MEASURE}:train_variants",
    shared=False,
    both=False,
    words="quality of variants",
    guess_steps=_trained_steps,
)
TIMES = Pass(
    "variant_times",
    CallTimes,
    "rounds",
    f"{MEASURE}:VariantTurns",
    clocked=True,
    in_turns=True,
    chooses=True,
    shared=False,
    words="times of variants",
    guess_steps=_timed_steps,
)
OPERATIONS = Pass(
    "variant_operations",
    CallOperations,
    "once",
    f"{MEASURE}:count_variants",
    counts=True,
    shared=False,
)


MEASURES = (
    Measure(
        "full_time",  # of one task's adaptation by the variant that leaves nothing out
        "full variant",
        "s",
        "clock",
        "variant_times",
        claimed=False,
        drawn=True,
        at_steps=True,
        timing=Timing.CALLS,
    ),
    Measure(
        "chosen_time",  # of the variant that validation tasks chose
        "chosen variant",
        "s",
        "clock",
        "variant_times",
        drawn=True,
        at_steps=True,
        timing=Timing.CALLS,
    ),
    Measure(
        "chosen_gain",  # of the best variant on validation tasks
        "quality gained",
        "",
        "gain",
        "variants",
        over_seeds=True,
        at_steps=True,
    ),
)


@study("variants")
class Variants(Study):
    """Which of a method's variants to take: the fastest that is good enough."""

    settings = Settings
    passes = (QUALITIES, TIMES, OPERATIONS)
    measures = MEASURES
    pair_judge = "harness.studies.variants.judge:variants"
    shown_by = "harness.studies.variants.show:parts"
    told_by = "harness.studies.variants.show:said"
    threatened_by = "harness.studies.variants.judge:at_chance"
    terms_by = "harness.studies.variants.show:terms"
    methods_by = "harness.studies.variants.show:methods"
