"""From a judgement and its records to peak memory against the size of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.declare.suite import MEMBERS, Pair
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement
from harness.records.record import Record
from harness.report.gradient import withheld
from harness.report.plots import SizeLine, SizePlot
from harness.report.words import with_settings

Peaks = dict[str, dict[int, int]]
"""Peak bytes by learner and by the model's number of parameters."""


def size_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[SizePlot]:
    """Yield, where pairs differ in one setting that makes a model larger, what each size takes."""
    looked_at = [
        (judged.pair, member, found[0])
        for judged in judgement.pairs
        if withheld(judged) is None
        for member in MEMBERS
        if (found := usable(records, judged.pair, "memory", member))
    ]
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
                yield SizePlot(workload, setting, lines)


def _without(pair: Pair, setting: str) -> str:
    rest = {name: value for name, value in pair.settings.items() if name != setting}
    return with_settings(pair.workload, rest)


def _line(learner: str, sizes: dict[int, int]) -> SizeLine:
    parameters = tuple(sorted(sizes))
    return SizeLine(learner, parameters, tuple(sizes[size] for size in parameters))
