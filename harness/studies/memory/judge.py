"""What memory was taken: by both members of a pair, by inner steps and by the model's size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.declare.suite import MEMBERS, Member, Pair
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.gradient import withheld
from harness.report.words import with_settings, workload_words

Peaks = dict[str, dict[int, int]]
"""Peak bytes by learner and by the model's number of parameters."""


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


def find(manifest: Manifest, records: Sequence[Record], judgement: Judgement) -> Finding:
    """Gather the bytes of all pairs but those whose gradient checks withhold them."""
    seen = [
        (judged.pair, member)
        for judged in judgement.pairs
        if withheld(judged) is None
        for member in MEMBERS
    ]
    looked_at = [
        (pair, member, found[0])
        for pair, member in seen
        if (found := usable(records, pair, "memory", member))
    ]
    taken = tuple(
        Taken(
            r.pair,
            member,
            r.learner,
            None if r.live_bytes is None else float(r.live_bytes),
            float(r.peak_bytes or 0),
        )
        for _, member, r in looked_at
    )
    return Finding(taken, tuple(_sizes(looked_at)), tuple(_growths(seen, records)))


def _growths(seen: Sequence[tuple[Pair, Member]], records: Sequence[Record]) -> Iterator[Growth]:
    """Yield for every workload the peak bytes of its learners, against the number of inner steps.

    A learner that is in several pairs on a workload is one line, as long as its bytes are the same.
    """
    found: dict[str, dict[GrowthLine, None]] = {}
    for pair, member in seen:
        for r in usable(records, pair, "growth", member)[:1]:
            name = with_settings(r.learner, dict(pair.learner_settings(member)))
            line = GrowthLine(name, r.growth_steps or (), r.growth_bytes or ())
            found.setdefault(workload_words(pair), {})[line] = None
    for workload, lines in found.items():
        yield Growth(workload, tuple(sorted(lines, key=lambda line: line.learner)))


def _sizes(looked_at: Sequence[tuple[Pair, Member, Record]]) -> Iterator[Sizes]:
    """Yield, where pairs differ in one setting that makes a model larger, what each size takes."""
    for setting in dict.fromkeys(name for pair, _, _ in looked_at for name in pair.settings):
        alike: dict[str, Peaks] = {}
        for pair, member, record in looked_at:
            if setting in pair.settings and record.parameters and record.peak_bytes:
                learner = with_settings(pair.learner(member), dict(pair.learner_settings(member)))
                sizes = alike.setdefault(_without(pair, setting), {}).setdefault(learner, {})
                sizes.setdefault(record.parameters, record.peak_bytes)
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
