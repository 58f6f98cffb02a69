"""What the spine's passes see, and the passes themselves; studies bring passes of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, ClassVar

from harness.declare.equivalence import Held
from harness.declare.passes import Pass, Seen

# What lies beyond these was not measured, whatever a file says. Comparisons with NaN are false.
SHORTEST_S, LONGEST_S = 1e-15, 1e9
LARGEST = 1e100


def of_unit(unit: str, default: Any = None) -> Any:
    """Return a dataclass's field whose values have a unit."""
    return field(default=default, metadata={"unit": unit})


METRIC = "metric"
"""The unit of qualities: the metric that their record names."""


def of_metric(default: Any = MISSING) -> Any:
    """Return a dataclass's field whose values are qualities."""
    return field(default=default, metadata={"unit": METRIC})


def clock_gives(values: Iterable[float]) -> bool:
    """Say whether all of these are seconds that a clock can give."""
    return all(SHORTEST_S < value < LONGEST_S for value in values)


def counted(values: Iterable[float | None], least: float = 0) -> bool:
    """Say whether all of these, as far as they are known, are counts of something."""
    return all(value is None or least <= value < LARGEST for value in values)


def upwards(values: Sequence[float]) -> bool:
    return all(before < after for before, after in pairwise(values))


@dataclass(frozen=True)
class Check(Seen):
    """Whether the gradient of a learner is what it owes to its reference."""

    equivalence: str | None = None  # Exact, InTheLimit, Approximate
    passed: bool | None = None
    worst: float | None = None  # the largest part of its tolerance that any example used
    worst_error: float | None = None
    tolerance: float | None = None
    worst_case: str | None = None
    held: Held | None = None  # what worst_error is
    cosine: float | None = None  # least cosine to the oracle's gradient
    distance: float | None = None  # largest relative error against the oracle's gradient
    examples: int | None = None


@dataclass(frozen=True)
class Trajectory(Seen):
    """The first steps of training, in float64: what would show any difference between two."""

    losses: tuple[float, ...] = ()
    fingerprint: tuple[float, ...] = ()  # of the weights, after every step

    def flaw(self) -> str | None:
        if not self.losses or len(self.losses) != len(self.fingerprint):
            return "its record does not hold a loss and a fingerprint of every step"
        if not all(map(math.isfinite, (*self.losses, *self.fingerprint))):
            return "its record holds a loss or a fingerprint that is no number"
        return None


@dataclass(frozen=True)
class Curve(Seen):
    """Quality on validation tasks while training, and on every test task at the end."""

    of_quality: ClassVar[bool] = True

    curve_steps: tuple[int, ...] = of_unit("steps", ())
    curve_quality: tuple[float, ...] = of_metric(())  # mean over validation tasks, at curve_steps
    test_quality: tuple[float, ...] = of_metric(())  # of every test task
    watched: dict[str, tuple[float, ...]] = field(default_factory=dict, metadata={"unit": ""})
    """By name, at curve_steps."""
    train_seconds: float | None = of_unit("s")

    def while_finite(self) -> Curve:
        """Return the curve up to where it first is no number, without any test task."""
        many = next(
            (n for n, value in enumerate(self.curve_quality) if not math.isfinite(value)),
            len(self.curve_quality),
        )
        watched = {name: values[:many] for name, values in self.watched.items()}
        kept = {n: values for n, values in watched.items() if all(map(math.isfinite, values))}
        return replace(
            self,
            curve_steps=self.curve_steps[:many],
            curve_quality=self.curve_quality[:many],
            test_quality=(),
            watched=kept,
        )

    def flaw(self) -> str | None:
        steps, quality = self.curve_steps, self.curve_quality
        if not steps or not quality or not self.test_quality:
            return "its record lacks the curve or the test quality"
        if len(steps) != len(quality) or not upwards(steps):
            return "the curve in its record does not go step by step"
        if not (steps[0] >= 0 and steps[-1] < LARGEST):
            return "the curve in its record counts steps that nobody takes"
        if not all(-LARGEST < value < LARGEST for value in (*quality, *self.test_quality)):
            return "its record holds a quality that is no measurement"
        if any(len(values) != len(steps) for values in self.watched.values()):
            return "its record does not hold what was watched at every step of the curve"
        return None


@dataclass(frozen=True)
class Operations(Seen):
    """What a step does, counted: of all ranks together, since work done twice is not saved."""

    flops: int | None = of_unit("operations")
    backward_passes: int | None = of_unit("calls")
    adaptation_flops: int | None = of_unit("operations")  # of a batch, where adapting is timed
    rank_flops: int | None = of_unit("operations")  # of the rank that did most
    allreduce_calls: int | None = of_unit("calls")  # of each rank alone
    allreduce_bytes: int | None = of_unit("bytes")

    def flaw(self) -> str | None:
        for each in fields(self):
            if not counted([value := getattr(self, each.name)]):
                return f"its record holds {each.name} = {value!r}, which nothing counts"
        return None


@dataclass(frozen=True)
class Memory(Seen):
    """Bytes of a step; of ranks, those of the one that held most."""

    peak_bytes: int | None = of_unit("bytes")  # above live_bytes, during a step
    live_bytes: int | None = of_unit("bytes")  # of state and data at its start
    reserved_bytes: int | None = of_unit("bytes")  # CUDA alone
    resident_bytes: int | None = of_unit("bytes")

    def flaw(self) -> str | None:
        if not counted([self.peak_bytes]):
            return f"its record holds peak_bytes = {self.peak_bytes!r}, which nothing counts"
        return None


@dataclass(frozen=True)
class Times(Seen):
    """Seconds of one step, one value a turn: an interval that holds one step or more.

    Those count for which no stranger had the core; beside them stands what the clock said. Of ranks
    they are the slowest one's, by the clock. What the rank that waited least stood waiting for sums
    is what the sums cost; what ranks waited beyond that, on average, was for others with more to
    do. What was compiled, captured or planned once took `compile_s`, in no step's seconds.
    """

    seconds: tuple[float, ...] = of_unit("s", ())
    wall_seconds: tuple[float, ...] | None = of_unit("s")
    allreduce_seconds: tuple[float, ...] | None = of_unit("s")
    imbalance_seconds: tuple[float, ...] | None = of_unit("s")
    steps_per_interval: int | None = of_unit("steps")
    compile_s: float | None = of_unit("s")

    def flaw(self) -> str | None:
        if not self.seconds:
            return "its record holds no seconds"
        for value in self.seconds:
            if not clock_gives([value]):
                return f"its record holds {value!r} seconds, which no clock gives"
        return None


CHECK = Pass("check", Check, "learner", "harness.measure.check:check", words="gradient check")
TRAJECTORY = Pass(
    "trajectory",
    Trajectory,
    "once",
    "harness.measure.passes:trajectory",
    of_learner=True,
    dtype="float64",
)
OPERATIONS = Pass(
    "operations",
    Operations,
    "once",
    "harness.measure.passes:operations",
    counts=True,
    of_learner=True,
    words="operation count",
)
MEMORY = Pass(
    "memory", Memory, "once", "harness.measure.passes:memory", counts=True, of_learner=True
)
STEP = Pass(
    "step",
    Times,
    "rounds",
    "harness.measure.passes:steps",
    clocked=True,
    in_turns=True,
    words="step time",
)
ADAPTATION = Pass(
    "adaptation",
    Times,
    "rounds",
    "harness.measure.passes:adaptations",
    clocked=True,
    in_turns=True,
    words="adaptation time",
)
CURVE = Pass(
    "curve",
    Curve,
    "seeds",
    "harness.measure.passes:curve",
    of_learner=True,
    words="learning curve",
)

SPINE: tuple[Pass[Seen], ...] = (CHECK, TRAJECTORY, OPERATIONS, MEMORY, STEP, ADAPTATION, CURVE)
"""In the order in which they are taken."""
