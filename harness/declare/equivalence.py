"""What a method's gradient owes to the reference: one of three classes, declared in one line."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, Literal

Held = Literal["error", "factor", "missing order"]
"""What a check holds to a tolerance: an error, or how its fall misses the law that is stated."""


@dataclass(frozen=True)
class Equivalence(ABC):
    """What a gradient owes to the family's oracle, which `python -m harness check` tests."""

    label: ClassVar[str]


@dataclass(frozen=True)
class Exact(Equivalence):
    """The oracle's gradient to rounding, in float64 and in float32.

    Rounding grows with the length of the inner loop, so the float64 tolerance is per inner step.
    float32 is held to the error that the oracle itself makes in float32: at most this many times
    it.
    """

    float64: float = 1e-9
    float32: float = 10.0
    label: ClassVar[str] = "Exact"


@dataclass(frozen=True)
class InTheLimit(Equivalence):
    """The exact gradient as a setting goes to its limit, with the error falling by a stated law.

    The values are named from far to near the limit. The law is either of

    order   a power of the knob: the slope of log error over log knob where the knob goes to zero,
            or minus the slope where it goes to infinity;
    factor  geometric: each unit of the knob multiplies the error by at most this, on every problem
            of the family.

    A knob that begins with "workload." is a setting of the workload. What else the limit presumes,
    the family's problems tell: see harness.declare.problem.
    """

    knob: str
    values: tuple[float, ...]
    order: float | None = None
    factor: float | None = None
    label: ClassVar[str] = "InTheLimit"

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError(f"InTheLimit needs two values of {self.knob} or more to show a law")
        if (self.order is None) == (self.factor is None):
            raise ValueError("InTheLimit states one law: either an order or a factor")
        if self.values[0] == self.values[-1] or (self.order is not None and min(self.values) <= 0):
            raise ValueError(f"no law shows on the values {self.values} of {self.knob}")


@dataclass(frozen=True)
class Approximate(Equivalence):
    """Its own written definition exactly; its distance to the oracle is measured and printed.

    The definition is "module:function" or the name of a function in the method's own module: an
    independent, slow implementation taking (learner, state, batch) and returning a Gradient, where
    the learner tells settings and workload and must not be asked for its own gradient.

    So may be what it adapts to: a function of the same kind that returns what `adapt` returns.
    """

    definition: str
    adaptation: str | None = None
    float64: float = 1e-9
    label: ClassVar[str] = "Approximate"
