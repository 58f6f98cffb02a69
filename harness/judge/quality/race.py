"""A race: the steps in which trainings reach a target, and the ratio of two sides' steps.

A training that never gets there, or that came to no number, counts as far as it was looked at: it
is neither dropped nor infinite. Where there are such, the ratio is but a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.declare.pair import Member, Pair
from harness.declare.point import PointKey, key_of
from harness.judge.evidence import Evidence
from harness.judge.quality.crossing import Crossing, Curve, survival, time_to_target
from harness.records.seen import CURVE, upwards
from harness.records.seen import Curve as Training

SUSTAINED = 2  # evaluations on end that must meet the target, so that luck does not count


@dataclass(frozen=True)
class Arrivals:
    """For every seed, the step at which it reached the target or was last looked at."""

    crossings: Mapping[int, Crossing]
    step_s: float | None = None

    @property
    def steps(self) -> float | None:
        """The steps by which half of the seeds were there; None where fewer ever were."""
        return survival(list(self.crossings.values())).median if self.crossings else None

    @property
    def seconds(self) -> float | None:
        return None if self.steps is None or self.step_s is None else self.steps * self.step_s

    @property
    def there(self) -> int:
        return sum(crossing.reached for crossing in self.crossings.values())

    @property
    def reached(self) -> str:
        return f"{self.there} of {len(self.crossings)}"

    def late(self, seeds: Iterable[int]) -> int:
        """Return how many of these seeds never got there."""
        return sum(not self.crossings[seed].reached for seed in seeds)

    def of(self, seeds: Iterable[int]) -> Arrivals:
        """Return the arrivals of those of the seeds that there are."""
        known = {seed: self.crossings[seed] for seed in seeds if seed in self.crossings}
        return Arrivals(known, self.step_s)


@dataclass(frozen=True)
class Trainings:
    """One member's learning curves by seed, and the seeds whose training came to no number.

    Seconds to a target are steps times the median step of the timed blocks. A curve's own clock
    would count the disturbances of a single long run, which no other run shares.
    """

    curves: Mapping[int, Curve] = field(default_factory=dict)
    diverged: Mapping[int, Curve] = field(default_factory=dict)
    """The curves of those seeds for as long as they were numbers."""
    length: float = 0.0
    """Up to which step those that diverged would have been looked at."""
    step_s: float | None = None

    @property
    def seeds(self) -> frozenset[int]:
        return frozenset(self.curves) | frozenset(self.diverged)

    def to(self, target: float, higher_is_better: bool, sustained: int = SUSTAINED) -> Arrivals:
        def crossing(curve: Curve) -> Crossing:
            return time_to_target(
                curve, target, higher_is_better=higher_is_better, sustained=sustained
            )

        crossings = {seed: crossing(curve) for seed, curve in self.curves.items()}
        for seed, curve in sorted(self.diverged.items()):
            never = Crossing(self.length, reached=False)
            found = crossing(curve) if len(curve) >= sustained else never
            crossings[seed] = found if found.reached else never
        return Arrivals(crossings, self.step_s)


def trainings(
    evidence: Evidence, pair: Pair, member: Member, step_s: float | None = None
) -> dict[PointKey, Trainings]:
    """Return a member's trainings by point, of curves long enough for a target."""
    found: dict[PointKey, dict[int, Curve]] = {}
    for key, looks in evidence.by_point(pair, CURVE, member).items():
        found[key] = {
            record.seed: _curve(seen)
            for record, seen in looks
            if len(seen.curve_steps) >= SUSTAINED
        }
    diverged: dict[PointKey, dict[int, Curve]] = {}
    for record in evidence.look(pair, CURVE, member):
        if record.status == "not finite":
            before = [] if record.seen is None else _curve(record.seen)
            diverged.setdefault(key_of(record.point), {})[record.seed] = before
    length = float(evidence.manifest.suite.protocol_of(pair).curve_steps)
    return {
        key: Trainings(found.get(key, {}), diverged.get(key, {}), length, step_s)
        for key in {**found, **diverged}
    }


def _curve(seen: Training) -> Curve:
    """Return the curve of a record, which nobody has looked over where its training diverged."""
    steps, quality = seen.curve_steps, seen.curve_quality
    if len(steps) != len(quality) or not upwards(steps):
        return []
    return list(zip(map(float, steps), quality, strict=True))
