"""When the training runs of one member reach a target quality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.declare.suite import Member, Pair
from harness.judge.blocks import usable
from harness.judge.quality import Crossing, Curve, survival, time_to_target
from harness.records.record import Record

SUSTAINED = 2  # evaluations on end that must meet the target, so that luck does not count


@dataclass(frozen=True)
class Arrivals:
    """For every seed, the step at which it reached the target or was last looked at."""

    crossings: Mapping[int, Crossing]
    step_s: float | None

    @property
    def steps(self) -> float | None:
        """The steps by which half of the seeds were there; None where fewer ever were."""
        return survival(list(self.crossings.values())).median if self.crossings else None

    @property
    def seconds(self) -> float | None:
        return None if self.steps is None or self.step_s is None else self.steps * self.step_s

    @property
    def reached(self) -> str:
        there = sum(crossing.reached for crossing in self.crossings.values())
        return f"{there} of {len(self.crossings)}"

    def late(self, seeds: Iterable[int]) -> int:
        """Return how many of these seeds never got there."""
        return sum(not self.crossings[seed].reached for seed in seeds)


@dataclass(frozen=True)
class Runs:
    """The learning curves of one member by seed, and its seconds of a step.

    Seconds to a target are steps times the median step of the timed blocks. A curve's own clock
    would count the disturbances of a single long run, which no other run shares.
    """

    curves: Mapping[int, Curve]
    step_s: float | None

    def to(self, target: float, higher_is_better: bool) -> Arrivals:
        crossings = {
            seed: time_to_target(
                curve, target, higher_is_better=higher_is_better, sustained=SUSTAINED
            )
            for seed, curve in self.curves.items()
        }
        return Arrivals(crossings, self.step_s)


def runs(records: Sequence[Record], pair: Pair, member: Member, step_s: float | None) -> Runs:
    """Return the curves that are long enough for a target to be held to them."""
    curves = {
        record.seed: list(
            zip(map(float, record.curve_steps or ()), record.curve_quality or (), strict=True)
        )
        for record in usable(records, pair, "curve", member)
        if len(record.curve_steps or ()) >= SUSTAINED
    }
    return Runs(curves, step_s)
