"""What memory was taken: by both members of a pair, by inner steps and by the model's size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.declare.pair import MEMBERS, Member, Pair, with_settings, workload_words
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.records.record import Record
from harness.records.seen import MEMORY, Memory

SWEPT = "inner_steps"

Peaks = dict[str, dict[int, int]]
"""Peak bytes by learner and by the model's number of parameters."""


class Look(NamedTuple):
    """What was seen of a member at its pair's own settings."""

    pair: Pair
    member: Member
    record: Record[Memory]
    seen: Memory


@dataclass(frozen=True)
class Taken:
    """The bytes alive at a step's start, where they are known, and the peak above them."""

    pair: str
    member: Member
    learner: str
    live: float | None
    above: float


@dataclass(frozen=True)
class GrowthLine:
    """One learner's peak bytes at numbers of inner steps."""

    learner: str
    steps: tuple[int, ...]
    peaks: tuple[int, ...]
    slope: float | None = field(init=False, default=None)
    """The bytes that an inner step adds on average; None where there is but one number."""

    def __post_init__(self) -> None:
        if len(self.steps) > 1:
            slope = (self.peaks[-1] - self.peaks[0]) / (self.steps[-1] - self.steps[0])
            object.__setattr__(self, "slope", slope)


@dataclass(frozen=True)
class SizeLine:
    """One learner's peak bytes at numbers of parameters."""

    learner: str
    parameters: tuple[int, ...]
    peaks: tuple[int, ...]


@dataclass(frozen=True)
class Growth:
    """The learners that were looked at on one workload."""

    workload: str
    lines: tuple[GrowthLine, ...]


@dataclass(frozen=True)
class Sizes:
    """The learners that were looked at with several sizes of a workload's model."""

    workload: str
    setting: str
    lines: tuple[SizeLine, ...]


@dataclass(frozen=True)
class Finding:
    taken: tuple[Taken, ...]
    sizes: tuple[Sizes, ...]
    growths: tuple[Growth, ...]


def find(evidence: Evidence, judgement: Judgement) -> Finding:
    """Gather the bytes of all pairs; of those that are withheld there are none."""
    members = [(judged.pair, member) for judged in judgement.pairs for member in MEMBERS]
    looked_at = [
        Look(pair, member, *found[0])
        for pair, member in members
        if (found := evidence.usable(pair, MEMORY, member))
    ]
    taken = tuple(
        Taken(
            look.pair.name,
            look.member,
            look.record.learner,
            None if look.seen.live_bytes is None else float(look.seen.live_bytes),
            float(look.seen.peak_bytes or 0),
        )
        for look in looked_at
    )
    return Finding(taken, tuple(_sizes(looked_at)), tuple(_growths(members, evidence)))


def _growths(members: Sequence[tuple[Pair, Member]], evidence: Evidence) -> Iterator[Growth]:
    """Yield for every workload the peak bytes of its learners, against the number of inner steps.

    A learner that is in several pairs on a workload is one line, as long as its bytes are the same.
    """
    found: dict[str, dict[GrowthLine, None]] = {}
    for pair, member in members:
        peaks = dict(_peaks(pair, member, evidence))
        if peaks:
            name = with_settings(pair.learner(member), pair.learner_settings(member))
            steps = tuple(sorted(peaks))
            line = GrowthLine(name, steps, tuple(peaks[each] for each in steps))
            found.setdefault(workload_words(pair), {})[line] = None
    for workload, lines in found.items():
        yield Growth(workload, tuple(sorted(lines, key=lambda line: line.learner)))


def _peaks(pair: Pair, member: Member, evidence: Evidence) -> Iterator[tuple[int, int]]:
    """Yield the numbers of inner steps that a sweep of them alone went through, and their peaks."""
    for point, found in evidence.by_point(pair, MEMORY, member).items():
        settings, (_, seen) = dict(point), found[0]
        if settings.keys() == {SWEPT} and seen.peak_bytes:
            yield int(settings[SWEPT]), seen.peak_bytes


def _sizes(looked_at: Sequence[Look]) -> Iterator[Sizes]:
    """Yield, where pairs differ in one setting that makes a model larger, what each size takes."""
    for setting in dict.fromkeys(name for look in looked_at for name in look.pair.settings):
        alike: dict[str, Peaks] = {}
        for look in looked_at:
            pair, parameters, peak = look.pair, look.record.parameters, look.seen.peak_bytes
            if setting in pair.settings and parameters and peak:
                learner = pair.learner(look.member), pair.learner_settings(look.member)
                sizes = alike.setdefault(_without(pair, setting), {})
                sizes.setdefault(with_settings(*learner), {}).setdefault(parameters, peak)
        for workload, peaks in alike.items():
            lines = tuple(_line(learner, sizes) for learner, sizes in sorted(peaks.items()))
            if len({size for line in lines for size in line.parameters}) > 1:
                yield Sizes(workload, setting, lines)


def _without(pair: Pair, setting: str) -> str:
    rest = {name: value for name, value in pair.settings.items() if name != setting}
    return with_settings(pair.workload, rest)


def _line(learner: str, sizes: dict[int, int]) -> SizeLine:
    parameters = tuple(sorted(sizes))
    return SizeLine(learner, parameters, tuple(sizes[size] for size in parameters))
