"""The measures: one row each, and nobody else lists them.

A row says what a measure is called, what sees it and what it is held to; judges, gates, histories
and reports ask the table. Ratios of a measure at a number of inner steps carry that number at the
end of their name: `named` writes it, and the table reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Literal

from harness.errors import UnknownName, UsageError

Nature = Literal[
    "clock",  # a time: it has noise
    "count",  # repeats exactly
    "steps",  # of training, until something is reached
    "range",  # of a setting, as far as training goes well
    "gain",  # a difference in quality, and not a ratio
]


Scale = Literal["speed", "steps", "range", "work", "memory", "gain"]
COMPARATIVES: dict[Scale, str] = {
    "speed": "as fast",
    "steps": "fewer steps",
    "range": "as large",
    "work": "less work",
    "memory": "less memory",
    "gain": "gained",
}
"""What follows a ratio such as 2.0×, or a gain."""


class Timing(StrEnum):
    """How a time was taken, which decides how noisy it is.

    A step is timed in intervals of one or more, at least a tenth of a second long; a variant's
    adaptation call by call, since that is what its user waits for. Over an interval most of a
    machine's noise averages out, so what one kind of time shows of the noise says nothing of the
    other.
    """

    INTERVALS = "intervals of whole steps"
    CALLS = "single calls"


@dataclass(frozen=True)
class Measure:
    """Something that is measured of a learner, and what is done with it."""

    name: str
    words: str  # what reports call it
    unit: str
    nature: Nature
    measured: str  # the pass that sees it, or that it is derived from
    _: KW_ONLY
    field: str | None = None  # of that pass's record; None where it is derived from several
    gated: bool = False  # whether a gate compares it between two trees
    claimed: bool = True  # whether a claim may be read as it
    drawn: bool = False  # whether figures show it; others stand in tables alone
    of_ranks: bool = False  # seen where several ranks share the work, so in one member alone
    over_seeds: bool = False  # repeated by seeds, where a clock is repeated in rounds
    at_steps: bool = False  # read at a number of inner steps
    timing: Timing = Timing.INTERVALS  # of a clock

    @property
    def better(self) -> Literal["less", "more"]:
        """Time, work and steps are costs; of quality and of a setting's range more is better."""
        return "more" if self.nature in ("gain", "range") else "less"

    @property
    def scale(self) -> Scale:
        """What it can share a range and an axis with."""
        if self.nature == "count":
            return "memory" if self.unit == "bytes" else "work"
        scales: dict[Nature, Scale] = {"clock": "speed", "steps": "steps", "range": "range"}
        return scales.get(self.nature, "gain")

    @property
    def in_rounds(self) -> bool:
        """Whether it is a time that rounds repeat, so that A/A pairs show its noise."""
        return self.nature == "clock" and not self.over_seeds

    @property
    def paired(self) -> bool:
        """Whether each member's own record holds it, so that the two make a ratio."""
        return self.field is not None and not self.of_ranks


OF_A_PLUGIN = "If your own study measures it, name the study's file with plugin=."


class Measures:
    """A table of measures, in the order in which reports show them."""

    def __init__(self, rows: Iterable[Measure], late: Callable[[], object] | None = None) -> None:
        self._rows: dict[str, Measure] = {}
        self._late = late
        self.add(rows)

    def add(self, rows: Iterable[Measure]) -> None:
        """Take in what a study measures; once is as good as twice."""
        for row in rows:
            if self._rows.setdefault(row.name, row) != row:
                raise UsageError(f"two measures are named {row.name!r}. Rename one.")

    def __iter__(self) -> Iterator[Measure]:
        return iter(self._whole().values())

    def __getitem__(self, name: str) -> Measure:
        if name not in self._whole():
            raise UnknownName("measure", name, self._rows, OF_A_PLUGIN)
        return self._rows[name]

    def where(
        self,
        *,
        nature: Nature | None = None,
        measured: str | None = None,
        gated: bool | None = None,
    ) -> tuple[Measure, ...]:
        """Return the measures that match all arguments."""
        return tuple(
            row
            for row in self
            if nature in (None, row.nature)
            and measured in (None, row.measured)
            and gated in (None, row.gated)
        )

    def read(self, name: str) -> tuple[Measure | None, int | None]:
        """Return the measure of a ratio's name and the number of inner steps at its end.

        There is no measure of a name from elsewhere, as in the history of another version.
        """
        stem, _, steps = name.rpartition("_")
        row = self._whole().get(stem)
        if row is not None and row.at_steps and steps.isdecimal():
            return row, int(steps)
        return self._rows.get(name), None

    def _whole(self) -> dict[str, Measure]:
        if self._late is not None:
            late, self._late = self._late, None
            late()
        return self._rows

    def of(self, name: str) -> Measure | None:
        """Return the measure of a ratio's name, if it is known."""
        return self.read(name)[0]

    def nature(self, name: str) -> Nature | None:
        """Return the nature of a ratio's measure, if it is known."""
        row = self.of(name)
        return None if row is None else row.nature


def named(measure: str, inner_steps: int | None) -> str:
    """Return the name of a measure's ratio, at a number of inner steps if it has one."""
    return measure if inner_steps is None else f"{measure}_{inner_steps}"


SPINE = (
    Measure(
        "step_time", "step time", "s", "clock", "step", field="seconds", gated=True, drawn=True
    ),
    Measure(
        "adaptation_time",  # of adapting to a batch of tasks
        "adaptation time",
        "s",
        "clock",
        "adaptation",
        field="seconds",
        gated=True,
        drawn=True,
    ),
    Measure(
        "peak_bytes",  # alive during a step
        "peak memory",
        "bytes",
        "count",
        "memory",
        field="peak_bytes",
        gated=True,
        drawn=True,
    ),
    Measure("flops", "operations", "operations", "count", "operations", field="flops", gated=True),
    Measure(
        "backward_passes",
        "backward passes",
        "calls",
        "count",
        "operations",
        field="backward_passes",
        gated=True,
    ),
    Measure(
        "adaptation_flops",
        "adaptation operations",
        "operations",
        "count",
        "operations",
        field="adaptation_flops",
        gated=True,
    ),
    Measure("quality_gain", "quality gained", "", "gain", "curve", over_seeds=True),
)

RANKS = (
    Measure(
        "rank_flops",
        "operations of the busiest rank",
        "operations",
        "count",
        "operations",
        field="rank_flops",
        gated=True,
        claimed=False,
        of_ranks=True,
    ),
    Measure(
        "allreduce_calls",
        "all-reduce calls",
        "calls",
        "count",
        "operations",
        field="allreduce_calls",
        gated=True,
        claimed=False,
        of_ranks=True,
    ),
    Measure(
        "allreduce_bytes",  # that one rank sends
        "all-reduce bytes",
        "bytes",
        "count",
        "operations",
        field="allreduce_bytes",
        gated=True,
        claimed=False,
        of_ranks=True,
    ),
)


def _own_studies() -> None:
    from harness.builtin import builtin_studies

    MEASURES.add(row for each in builtin_studies() for row in each.measures)


MEASURES = Measures((*SPINE, *RANKS), _own_studies)
"""The one table. The harness's own studies add what they measure when it is first asked, those of
plugins when the registry loads them."""
