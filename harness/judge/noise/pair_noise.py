"""The noise: what a baseline measured against itself shows where nothing differs.

Every timed pair has its baseline's twin. Runs of before had pairs of a baseline with itself, whose
noise stood for all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.declare.measures import MEASURES, Timing
from harness.declare.point import Point, words_of
from harness.judge.statistics import MIN_ROUNDS, Interval, aa_holds, noise_floor

AA_CONFIDENCE = 0.99
"""A 95 % interval of a dozen rounds misses 1.00 in 6 to 8 of 100 quiet runs, and a suite holds
several; a run's verdicts are not to be thrown away so often."""


@dataclass(frozen=True)
class Twins:
    """One measure of a baseline and itself: its ratio, and a wider interval that must cover 1."""

    pair: str
    measure: str
    interval: Interval
    wide: Interval
    own: bool = False  # whether it is the twin of the pair's baseline, which speaks for it alone
    point: Point = field(default_factory=dict)  # of the pair's sweep

    @property
    def name(self) -> str:
        which, at = "the twin of pair" if self.own else "A/A pair", words_of(self.point)
        return f"{which} {self.pair}, {self.measure}{f' at {at}' if at else ''},"

    @property
    def holds(self) -> bool:
        """Whether the wider interval covers 1, with enough rounds."""
        return aa_holds(self.wide)

    @property
    def floor(self) -> float:
        return noise_floor(self.interval)

    @property
    def doubts(self) -> str:
        return "the pair's verdicts on time are" if self.own else "every verdict on time is"


@dataclass(frozen=True)
class Noise:
    """The noise floors, whether every A/A interval covers 1.00, and what is to be said about it.

    A kind of time has no floor, and `ok` is None, while no A/A pair has the rounds that an interval
    needs: a span of three rounds is no measure of noise, neither for nor against.
    """

    ok: bool | None
    remarks: tuple[str, ...]
    floors: dict[Timing, float] = field(default_factory=dict)

    @property
    def floor(self) -> float | None:
        """The highest of the floors."""
        return max(self.floors.values(), default=None)

    def floor_of(self, measure: str) -> float | None:
        """Return the noise floor of times that were taken as this measure's are."""
        return self.floors.get(timing(measure))


def timing(measure: str) -> Timing:
    """Return how a measure that is a time was taken."""
    row = MEASURES.of(measure)
    return Timing.INTERVALS if row is None else row.timing


def noise_by_pair(found: Iterable[Twins]) -> dict[str, Noise]:
    """Return by name the noise of those pairs that have a twin of their own."""
    own: dict[str, list[Twins]] = {}
    for twins in found:
        if twins.own:
            own.setdefault(twins.pair, []).append(twins)
    return {name: noise_of(each) for name, each in own.items()}


def noise_of(found: Sequence[Twins]) -> Noise:
    """Judge what twins measured; the worst decides, each for times taken as its own are.

    One that fails is another matter: it casts doubt on the machine, and so on every time.
    """
    enough = [twins for twins in found if twins.interval.n >= MIN_ROUNDS]
    remarks = [
        f"{twins.name} has {twins.wide.low:.4f} to {twins.wide.high:.4f} ({AA_CONFIDENCE:.0%}), "
        f"which misses 1.00 although nothing differs, so {twins.doubts} inconclusive"
        for twins in enough
        if not twins.holds
    ]
    if few := [twins for twins in found if twins.interval.n < MIN_ROUNDS]:
        whose = f"{few[0].name} has" if len(few) == 1 else f"{len(few)} twins have"
        rounds = sorted({twins.interval.n for twins in few})
        told = " to ".join(str(end) for end in dict.fromkeys((rounds[0], rounds[-1])))
        remarks.append(f"{whose} {told} of the {MIN_ROUNDS} rounds that a noise floor needs")
    if not found:
        remarks.append("no baseline was measured against itself, so the noise is unknown")
    floors: dict[Timing, float] = {}
    for twins in enough:
        kind, floor = timing(twins.measure), twins.floor
        floors[kind] = max(floor, floors.get(kind, floor))
    ok = all(twins.holds for twins in enough) if enough else None
    return Noise(ok, tuple(remarks), floors)
