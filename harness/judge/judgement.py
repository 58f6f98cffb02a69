"""What judging a run yields: plain data that a report prints and `claims.json` keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.declare.equivalence import Held
from harness.declare.pair import Member, Pair
from harness.declare.point import OWN, Point
from harness.judge.machines import Surroundings
from harness.judge.noise.pair_noise import Noise, Twins, noise_by_pair
from harness.judge.quality.convergence import Convergence
from harness.judge.statistics import Interval
from harness.judge.verdicts import Word

if TYPE_CHECKING:
    from harness.judge.noise.timed_blocks import BlockTime, MemberRun, TimedRounds
    from harness.judge.outcome import Outcome
    from harness.judge.quality.bands import Band
    from harness.judge.threats import Told


@dataclass(frozen=True)
class CheckResult:
    """What the check of a member's gradient gave."""

    learner: str
    equivalence: str
    passed: bool | None  # None: the check could not be run; `reason` says why
    worst_error: float | None
    tolerance: float | None
    worst_case: str | None
    cosine: float | None
    distance: float | None
    reason: str | None = None
    held: Held = "error"  # what worst_error is, and its tolerance


class Derived(StrEnum):
    """How a figure was derived that nobody measured as it stands."""

    INHERITED = "the baseline's learning curve stands for the method's, which was shown equal"
    STEP_TIMES = "steps of the learning curve, times the median time of a step"


@dataclass(frozen=True)
class Observed:
    """What both members gave with one seed in one round; None where one of them gave nothing."""

    seed: int
    round: int | None  # None: of all that was seen with the seed
    baseline: float | None
    method: float | None
    ratio: float | None = None  # turn by turn, where both took turns

    @property
    def counts(self) -> bool:
        """Whether it has a part in the estimate."""
        return self.baseline is not None and self.method is not None


@dataclass(frozen=True)
class Place:
    """Where in a run's records one side of a ratio stands."""

    member: Member
    point: Point = field(default_factory=dict)
    by_seed: Mapping[int, Point] = field(default_factory=dict)  # where seeds differ in it

    def at(self, seed: int) -> Point:
        return self.by_seed.get(seed, self.point)


@dataclass(frozen=True)
class Source:
    """How a ratio is read from the records, so that anyone can read it again.

    value  what a record `r` gives, as an expression in Python, where NumPy is `np`; of a gain, the
           quality of every test task
    """

    measured: str  # the pass
    value: str
    baseline: Place = field(default_factory=lambda: Place("baseline"))
    method: Place = field(default_factory=lambda: Place("method"))
    higher_is_better: bool = True  # of a gain
    turns: str | None = None  # likewise the values of all turns, where rounds are ratios of these


@dataclass(frozen=True)
class Ratio:
    """Baseline over method in one measure: above 1 the method is better."""

    measure: str  # of the table of measures, at a number of inner steps if it has one
    unit: str
    baseline: float | None  # the median over blocks
    method: float | None
    interval: Interval | None  # None: nothing to compare; `reason` says why
    rounds: int
    reason: str | None = None
    members: str | None = None  # of a mean over pairs: "method against baseline"
    point: Point = field(default_factory=dict)  # of the pair's sweep
    observed: tuple[Observed, ...] = ()  # what the interval rests on, by seed and round
    unused: str = ""  # why good rounds have no part in it, if some have none
    source: Source | None = None
    derived: Derived | None = None


@dataclass(frozen=True)
class Quality:
    """Quality on held-out test tasks, of both members."""

    metric: str
    higher_is_better: bool
    baseline: float | None  # the mean over tasks and seeds
    method: float | None
    over_tasks: Interval | None  # of the baseline's mean
    over_seeds: Interval | None
    method_over_tasks: Interval | None
    method_over_seeds: Interval | None
    inherited: bool  # the method's curve was shown equal to the baseline's, and stands for it
    not_worse: bool | None  # None: undecided or unknown
    margin: float
    reason: str  # one sentence, with figures
    difference: Interval | None = None
    """Method minus baseline, turned so that above 0 the method is better: what decides. Each end is
    a bound of its own."""
    baseline_steps: int | None = None  # of the training
    method_steps: int | None = None


@dataclass(frozen=True)
class Curves:
    """Whether two learning curves are the same to rounding, over how many steps."""

    equal: bool | None
    steps: int
    worst: float | None
    reason: str


@dataclass(frozen=True)
class Failure:
    """A block that gave no measurement."""

    member: str
    measured: str
    status: str
    reason: str
    blocks: int  # how many blocks failed in this way


@dataclass(frozen=True)
class Verdict:
    """A reading of a claim, turned into a word."""

    claim: str
    reading: str
    text: str  # "50 % less time, read as 2.0 times"
    measure: str
    published: float
    pair: str
    method: str
    word: Word
    reason: str
    ratio: Interval | None  # of a gain in quality: the difference
    algorithm: str  # known or reconstructed
    trust: str
    quality: Quality | None = None  # where the reading has one of its own, and not the pair's
    own_ratio: Interval | None = None  # the method's own part in the ratio
    conditions: str = ""  # what else must be known of how it was measured, in a few words
    point: Point = field(default_factory=dict)  # of the pair's sweep
    rule: str = ""  # what decided
    noise_floor: float | None = None  # by which it was judged; 0 where no clock plays a part
    rounds: int = 0
    observed: tuple[Observed, ...] = ()
    unused: str = ""
    source: Source | None = None
    derived: Derived | None = None


@dataclass(frozen=True)
class PairJudgement:
    """All that a run says about one pair."""

    pair: Pair
    data: str | None  # what the tasks were really made of
    checks: tuple[CheckResult, ...]  # baseline's and method's
    curves: Curves | None
    ratios: tuple[Ratio, ...]
    quality: Quality | None
    failures: tuple[Failure, ...]
    missing_blocks: int  # planned and not in the store
    verdicts: tuple[Verdict, ...]
    gains: tuple[Ratio, ...] = ()
    """Of test quality, wherever curves were planned: differences, above 0 the method is better."""
    withheld: str | None = None
    """Why the pair may show no ratio, time or count that reads as a result."""
    target: float | None = None
    """The quality that both members are raced to, where a study sets one."""
    bands: tuple[Band, ...] = ()
    """Of the members' learning curves."""
    block_times: tuple[BlockTime, ...] = ()
    member_runs: tuple[MemberRun, ...] = ()
    """How each member really ran."""
    studies: Mapping[str, Any] = field(default_factory=dict)
    """What studies found of the pair, by their names."""

    @property
    def gain(self) -> Ratio | None:
        """The gain at the pair's own settings, if curves were planned there."""
        return next((gain for gain in self.gains if gain.point == OWN), None)

    def ratio(self, measure: str, point: Point = OWN) -> Ratio | None:
        known = (*self.ratios, *self.gains)
        return next((r for r in known if r.measure == measure and r.point == point), None)


@dataclass(frozen=True)
class Judgement:
    """All that a run says."""

    pairs: tuple[PairJudgement, ...]
    noise_floor: float | None  # None: no A/A pair gave an interval
    aa_ok: bool | None
    warnings: tuple[str, ...]  # for the first page
    overall: tuple[Ratio, ...]  # geometric means over pairs of the same baseline and method
    measured_share: float | None  # share of the blocks' wall time inside measured intervals
    measured_s: float
    wall_s: float
    same_blocks: int = 0  # that show what an equal block of another pair saw
    twins: tuple[Twins, ...] = ()  # what the A/A pairs measured, by which aa_ok was decided
    convergence: tuple[Convergence, ...] = ()  # of baselines that something is published of
    claims: tuple[Outcome, ...] = ()
    """What became of every claim, in the order of the claims."""
    threats: tuple[Told, ...] = ()
    """What could make the verdicts wrong."""
    rounds: TimedRounds | None = None
    """What was timed, and how; None where nothing was."""
    surroundings: Surroundings = field(default_factory=Surroundings)
    studies: Mapping[str, Any] = field(default_factory=dict)
    """What studies found of all pairs together, by their names."""

    def own_floor(self, pair: str, measure: str) -> float | None:
        """Return the noise floor that the pair's own twin shows of such times, if it has one."""
        own = self._own_noise.get(pair)
        return None if own is None else own.floor_of(measure)

    @cached_property
    def _own_noise(self) -> dict[str, Noise]:
        return noise_by_pair(self.twins)
