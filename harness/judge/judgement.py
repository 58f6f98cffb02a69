"""What judging a run yields: plain data that a report prints and `claims.json` keeps."""

from __future__ import annotations

from dataclasses import dataclass

from harness.declare.equivalence import Held
from harness.declare.suite import Pair
from harness.judge.noise import Twins
from harness.judge.statistics import Interval
from harness.studies.ranks.judge import Scaling


@dataclass(frozen=True)
class Debt:
    """What a member's gradient owed to the oracle, and whether it paid."""

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


@dataclass(frozen=True)
class Curves:
    """Whether two learning curves are the same to rounding, over how many steps."""

    equal: bool | None
    steps: int
    worst: float | None
    reason: str


@dataclass(frozen=True)
class TargetTime:
    """Steps and seconds to a target quality, over seeds; None where fewer than half got there."""

    target: float
    by_rule: bool  # the target that the rule sets, rather than one of the range around it
    baseline_steps: float | None
    method_steps: float | None
    baseline_seconds: float | None
    method_seconds: float | None
    baseline_reached: str  # "3 of 3"
    method_reached: str


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
    own_ratio: Interval | None  # the full variant's time over the chosen one's: the pattern's part
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

    def choice(self, tau: float, steps: int) -> Choice | None:
        found = (c for c in self.choices if (c.tau, c.steps) == (tau, steps))
        return next(found, None)


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
    word: str
    reason: str
    ratio: Interval | None  # of a gain in quality: the difference
    algorithm: str  # known or reconstructed
    trust: str
    quality: Quality | None = None  # where the reading has one of its own, and not the pair's
    own_ratio: Interval | None = None  # the part of a chosen variant in the ratio


@dataclass(frozen=True)
class PairJudgement:
    """All that a run says about one pair."""

    pair: Pair
    data: str | None  # what the tasks were really made of
    debts: tuple[Debt, ...]  # baseline's and method's
    curves: Curves | None
    ratios: tuple[Ratio, ...]
    quality: Quality | None
    targets: tuple[TargetTime, ...]
    failures: tuple[Failure, ...]
    missing_blocks: int  # planned and not in the store
    verdicts: tuple[Verdict, ...]
    scaling: Scaling | None = None
    selection: Selection | None = None
    gain: Ratio | None = None  # of test quality: a difference, above 0 the method is better

    def ratio(self, measure: str) -> Ratio | None:
        known = self.ratios if self.gain is None else (*self.ratios, self.gain)
        return next((r for r in known if r.measure == measure), None)


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
    twins: tuple[Twins, ...] = ()  # what the A/A pairs measured, by which aa_ok was decided
