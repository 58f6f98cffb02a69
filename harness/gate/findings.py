"""What a gate found: one finding for each subject and measure, and what follows from all of them.

A subject is a learner with its settings on a workload. Ratios are head over base: above 1 the head
takes more. That is the other way round than in a pair, where they are speed-ups.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from harness.declare.measures import MEASURES
from harness.errors import (
    ELSEWHERE,
    INCONCLUSIVE,
    MISMATCH,
    NOTHING,
    PASSED,
    REGRESSED,
)
from harness.judge.statistics import Interval

SCHEMA = 1

Word = Literal[
    "same",  # not worse, by more than the threshold allows
    "improved",
    "regressed",
    "mismatch",  # a gradient that was right at base is wrong at head
    "inconclusive",
    "new",  # at head alone: there is nothing to compare it with
    "gone",  # at base alone
    "not compared",  # the reason says why
]
DECIDED: frozenset[Word] = frozenset({"same", "improved", "regressed", "mismatch"})

WHOLE, GRADIENT, ACCURACY = "all", "gradient", "accuracy"
"""What a finding is of that is of no measure: the whole subject, or what is held to equality."""


def is_count(measure: str) -> bool:
    """Say whether what a finding is of repeats exactly."""
    return MEASURES.nature(measure) == "count"


@dataclass(frozen=True)
class Revision:
    """One side of a gate: a commit, or a working tree that stands on one."""

    name: str  # as the user called it
    commit: str | None  # None where git does not know it, as of a stored run
    committed: str | None  # UTC
    title: str | None  # the first line of its message
    dirty: bool  # measured with changes that are not committed


@dataclass(frozen=True)
class Finding:
    """One measure of one subject, at base and at head."""

    subject: str  # "batched_maml on sinusoid", with settings where there are any
    measure: str  # of the table of measures; or WHOLE (new, gone), GRADIENT, ACCURACY
    unit: str | None = None
    base: float | None = None  # the median over rounds, or the count, or the mean quality
    head: float | None = None
    ratio: Interval | None = None  # head over base; None where there is none, as of a gradient
    threshold: float | None = None  # what the ratio may exceed 1 by; None where none applies
    rounds: int | None = None
    _: KW_ONLY
    word: Word
    reason: str | None = None
    learner: str = ""
    """Of a gradient, whose it is: `check` takes its name."""


@dataclass(frozen=True)
class GateReport:
    """All that a gate found, and what it was found on."""

    base: Revision
    head: Revision
    suite: str
    findings: tuple[Finding, ...]
    threshold: float  # as asked for
    noise_floor: float | None  # of this job, by A/A; None where nothing was timed
    error_rate: float  # at most so many gates say "regressed" or so of what is not, all looks taken
    machine: dict[str, Any]  # the probes that make a machine's class, with device and threads
    environment: tuple[str, ...]  # how the two sides' classes differ: "cpu: this, then that"
    started: str  # UTC
    seconds: float
    limit_s: float | None  # None where a stored run's plan sets the length
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA

    @property
    def exit_code(self) -> int:
        """The first that applies of 6, 1, 5, 4, 3 and 0, as in a comparison of runs.

        Unlike there, one question that stayed open is enough for "inconclusive": a gate that
        passes has answered all of them.
        """
        words = {finding.word for finding in self.findings}
        if "mismatch" in words:
            return MISMATCH
        if "regressed" in words:
            return REGRESSED
        if self.environment:
            return ELSEWHERE
        if not words & (DECIDED | {"inconclusive"}):
            return NOTHING
        return INCONCLUSIVE if "inconclusive" in words else PASSED

    @property
    def times_were_not_compared(self) -> bool:
        """Whether times were asked for, and none could be held to the other tree's."""
        times = [each for each in self.findings if MEASURES.nature(each.measure) == "clock"]
        return bool(times) and all(each.word == "not compared" for each in times)

    def to_json(self) -> str:
        about = dataclasses.asdict(self) | {"exit_code": self.exit_code}
        return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False)
