"""The data of the figure of scaling: what was measured, and apart from it what is predicted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.declare.suite import Member
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.report.gradient import withheld
from harness.report.plots import RankPoint, ScalingPlot
from harness.report.words import with_settings
from harness.studies.ranks.judge import Scaled


def scaling_plots(judgement: Judgement) -> Iterator[ScalingPlot]:
    """Yield one plot for every pair whose scaling was looked at and may be shown."""
    for judged in judgement.pairs:
        found = judged.scaling
        if found is None or withheld(judged) is not None:
            continue
        prediction = found.prediction
        plot = ScalingPlot(
            pair=judged.pair.name,
            names=(member_words(judged, "baseline"), member_words(judged, "method")),
            speedups=_points((each, each.speedup) for each in found.strong),
            predicted=tuple(
                RankPoint(each.ranks, _ends(each.speedup), held_out=False)
                for each in (prediction.predicted if prediction else ())
            ),
            strong=_points((each, each.efficiency) for each in found.strong),
            weak=_points((each, each.efficiency) for each in found.weak),
            published=tuple(
                sorted({each.published for each in (prediction.needed if prediction else ())})
            ),
            batch=found.batch,
            share=found.share,
            cores=found.cores,
            threads=found.threads,
        )
        if plot.speedups or plot.strong or plot.weak:  # too few rounds leave nothing to draw
            yield plot


def member_words(judged: PairJudgement, member: Member) -> str:
    pair = judged.pair
    return with_settings(pair.learner(member), dict(pair.learner_settings(member)))


def _points(found: Iterable[tuple[Scaled, Interval | None]]) -> tuple[RankPoint, ...]:
    return tuple(
        RankPoint(each.point.ranks, _ends(interval), each.held_out)
        for each, interval in found
        if interval is not None
    )


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high
