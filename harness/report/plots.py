"""What the figures show, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from harness.declare.suite import Member


@dataclass(frozen=True)
class ForestRow:
    """A ratio with its interval; without one, `text` says why."""

    pair: str
    measure: str
    ends: tuple[float, float, float] | None  # low, estimate, high
    text: str
    published: tuple[float, ...] = ()
    is_aa: bool = False


@dataclass(frozen=True)
class ForestPlot:
    rows: tuple[ForestRow, ...]
    floor: float | None


@dataclass(frozen=True)
class Line:
    """One seed's values against steps, or one member's times against targets."""

    member: Member
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class CurvePanel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    target: float | None
    metric: str
    inherited: bool


@dataclass(frozen=True)
class CurvePlot:
    panels: tuple[CurvePanel, ...]


@dataclass(frozen=True)
class BlockTime:
    """The intervals of one block, at its place in the order of measuring."""

    member: Member
    place: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class RoundPanel:
    pair: str
    names: tuple[str, str]
    blocks: tuple[BlockTime, ...]


@dataclass(frozen=True)
class RoundPlot:
    panels: tuple[RoundPanel, ...]


@dataclass(frozen=True)
class MemoryRow:
    pair: str
    member: Member
    learner: str
    live: float | None
    above: float


@dataclass(frozen=True)
class MemoryPlot:
    rows: tuple[MemoryRow, ...]


@dataclass(frozen=True)
class GrowthLine:
    """One learner's peak bytes at numbers of inner steps."""

    learner: str
    steps: tuple[int, ...]
    peaks: tuple[int, ...]

    @property
    def slope(self) -> float | None:
        """Return the bytes that an inner step adds in the mean, unless there is but one number."""
        if len(self.steps) < 2:
            return None
        return (self.peaks[-1] - self.peaks[0]) / (self.steps[-1] - self.steps[0])


@dataclass(frozen=True)
class SizeLine:
    """One learner's peak bytes at numbers of parameters."""

    learner: str
    parameters: tuple[int, ...]
    peaks: tuple[int, ...]


@dataclass(frozen=True)
class GrowthPlot:
    """The learners that were looked at on one workload."""

    workload: str
    lines: tuple[GrowthLine, ...]


@dataclass(frozen=True)
class SizePlot:
    """The learners that were looked at with several sizes of a workload's model."""

    workload: str
    setting: str
    lines: tuple[SizeLine, ...]


@dataclass(frozen=True)
class TargetPanel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    by_rule: float | None
    metric: str


@dataclass(frozen=True)
class TargetPlot:
    panels: tuple[TargetPanel, ...]


@dataclass(frozen=True)
class ProfilePlot:
    """For each learner, (tau, share of the problems solved within tau of the best time)."""

    steps: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    problems: int


@dataclass(frozen=True)
class RankPoint:
    """A value with its interval at a number of ranks."""

    ranks: int
    ends: tuple[float, float, float]  # low, estimate, high
    held_out: bool  # measured, but kept from the model to check it


@dataclass(frozen=True)
class ScalingPlot:
    """A pair's speed-ups and efficiencies by ranks, and what is predicted of more of them."""

    pair: str
    names: tuple[str, str]
    speedups: tuple[RankPoint, ...]
    predicted: tuple[RankPoint, ...]
    strong: tuple[RankPoint, ...]
    weak: tuple[RankPoint, ...]
    published: tuple[float, ...]
    batch: int
    share: int
    cores: int | None
    threads: int | None


@dataclass(frozen=True)
class HistoryMark:
    """A change, between the commits at these places of its line."""

    before: int
    last: int
    ratio: float


@dataclass(frozen=True)
class HistoryLine:
    """A chain of commits, its first base at the head: values, bounds, and what is established."""

    commits: tuple[str, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    established: tuple[float, ...]  # the first value, times the changes up to here
    marks: tuple[HistoryMark, ...]


@dataclass(frozen=True)
class HistoryPanel:
    """One measure over commits; its lines are apart, for what lies between was not measured."""

    measure: str
    unit: str | None  # None: multiples of a line's first value
    lines: tuple[HistoryLine, ...]


@dataclass(frozen=True)
class HistoryPlot:
    subject: str
    machine: str
    panels: tuple[HistoryPanel, ...]


Ends = tuple[float, float, float]
"""Low, estimate, high."""


@dataclass(frozen=True)
class VariantPoint:
    name: str
    known_as: str
    seconds: Ends
    quality: Ends


@dataclass(frozen=True)
class VariantPanel:
    """All variants at a number of inner steps, the baseline, and the one that was chosen."""

    steps: int
    points: tuple[VariantPoint, ...]
    baseline: VariantPoint | None
    chosen: str | None


@dataclass(frozen=True)
class VariantPlot:
    pair: str
    about: str
    metric: str
    panels: tuple[VariantPanel, ...]


Plot = (
    ForestPlot
    | CurvePlot
    | RoundPlot
    | MemoryPlot
    | GrowthPlot
    | SizePlot
    | TargetPlot
    | ProfilePlot
    | ScalingPlot
    | HistoryPlot
    | VariantPlot
)
