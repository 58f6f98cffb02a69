"""The tables of scaling: what ranks took, and in a table of its own what more would take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.report.section import Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import (
    UNKNOWN,
    count,
    percent,
    quantity,
    ratio,
    ratio_interval,
    scale,
    with_bounds,
)
from harness.report.words import capital, full_stop
from harness.studies.ranks.figure import member_words, over_ranks
from harness.studies.ranks.judge import Scaled, Scaling
from harness.studies.ranks.prediction import HeldOut, Needed, Predicted, Prediction
from harness.studies.ranks.readings_table import ranks_table

# Of the ranks that are predicted, those that a table holds; the figure draws them all.
PRINTED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def said(judgement: Judgement) -> dict[str, Any]:
    """Return what pairs on several ranks took, and what was seen and predicted over ranks."""
    over_ranks = {
        judged.pair.name: dataclasses.asdict(judged.studies["ranks"])
        for judged in judgement.pairs
        if "ranks" in judged.studies
    }
    readings = [dataclasses.asdict(each) for each in judgement.studies.get("ranks", ())]
    return {"ranks": {"readings": readings, "scaling": over_ranks}}


def parts(judgement: Judgement) -> Iterator[Part]:
    tables = (
        ranks_table(judgement),
        scaling_table(judgement),
        prediction_table(judgement),
    )
    yield Part("Distribution over ranks", 20, tuple(over_ranks(judgement)), tables)


def scaling_table(judgement: Judgement) -> Table | None:
    """Return the seconds of a step by the number of ranks, and how they divide."""
    groups = []
    for judged, scaling in _shown(judgement):
        about = _about(judged, scaling)
        groups.append(Group(tuple(map(_row, scaling.strong)), f"{judged.pair.name}: strong", about))
        groups.append(
            Group(
                tuple(map(_row, scaling.weak)),
                f"{judged.pair.name}: weak",
                f"{count(scaling.share, 'task')} per rank: the batch grows with the ranks.",
            )
        )
    return grouped_table(
        "scaling",
        "Scaling",
        "Median seconds of a meta-step by the number of ranks. All-reduce: the waiting time of "
        "the rank that waited least, and beside it how much longer the others waited for ranks "
        "with more to do. The rest is computing. Efficiency: tasks per second and rank, relative "
        "to one rank, with its 95 % interval.",
        (
            Column("Ranks", 1.1),
            Column("Step", 0.9, numeric=True),
            Column("Computing", 1.1, numeric=True),
            Column("All-reduce", 1.2, numeric=True),
            Column("Efficiency [95 %]", 1.6, numeric=True),
        ),
        groups,
        in_summary=True,
    )


def prediction_table(judgement: Judgement) -> Table | None:
    """Return what the model of scaling says, or why it says nothing."""
    return grouped_table(
        "predictions",
        "Predicted, not measured",
        "Predictions of a model of compute, latency and bandwidth. It is fitted to the steps above "
        "and checked on those held out. It assumes that more ranks run on nodes like this machine, "
        "with a core for each thread and a network as fast as the connection between its "
        "processes. Ratios are the baseline's step time over the method's. Intervals are 95 % over "
        "resampled rounds, widened by the model's misfit. No verdict uses a prediction.",
        (
            Column("Ranks", 1.3),
            Column("Predicted [95 %]", 1.8, numeric=True),
            Column("Measured [95 %]", 1.8, numeric=True),
        ),
        [_predictions(judged, scaling) for judged, scaling in _shown(judgement)],
        in_summary=True,
    )


def _shown(judgement: Judgement) -> list[tuple[PairJudgement, Scaling]]:
    return [
        (judged, judged.studies["ranks"]) for judged in judgement.pairs if "ranks" in judged.studies
    ]


def _about(judged: PairJudgement, scaling: Scaling) -> str:
    parts = [
        f"{member_words(judged, 'method')}, {count(scaling.batch, 'task')} per step, "
        f"{count(scaling.threads, 'thread')} per rank"
        if scaling.threads
        else f"{member_words(judged, 'method')}, {count(scaling.batch, 'task')} per step"
    ]
    if scaling.cores is not None:
        parts.append(f"on {count(scaling.cores, 'core')}")
    if scaling.baseline is not None:
        parts.append(f"{member_words(judged, 'baseline')} alone takes {_seconds(scaling.baseline)}")
    if scaling.calls is not None and scaling.bytes is not None:
        parts.append(
            f"{count(scaling.calls, 'all-reduce')} of {quantity(scaling.bytes, 'bytes')} per step"
        )
    return full_stop("; ".join(parts))


def _row(scaled: Scaled) -> tuple[Cell, ...]:
    waiting = scaled.imbalance_s
    tasks = count(scaled.point.tasks, "task")
    return (
        Cell(str(scaled.point.ranks), f"{tasks}, held out" if scaled.held_out else tasks),
        Cell(quantity(scaled.seconds.estimate, "s")),
        Cell(quantity(scaled.computing_s, "s")),
        Cell(
            quantity(scaled.allreduce_s, "s"),
            f"{quantity(waiting, 's')} waiting" if waiting is not None else "",
        ),
        Cell(UNKNOWN if scaled.efficiency is None else with_bounds(scaled.efficiency)),
    )


def _predictions(judged: PairJudgement, scaling: Scaling) -> Group:
    prediction = scaling.prediction
    if prediction is None:
        reason = full_stop(scaling.reason or "the reason is unknown")
        return Group(((Cell("no model", reason, "open"),),), judged.pair.name)
    rows = [*map(_held_out_row, prediction.held_out)]
    if prediction.reason is not None:
        rows.append((Cell("no prediction", full_stop(prediction.reason), "open"),))
    rows += [_row_of_prediction(p, scaling) for p in prediction.predicted if p.ranks in PRINTED]
    rows += [(_needed(needed, scaling),) for needed in prediction.needed]
    return Group(tuple(rows), judged.pair.name, _model_words(prediction))


def _model_words(prediction: Prediction) -> str:
    terms = "; ".join(
        f"{term.name} {_seconds(term.seconds)} {term.each}" for term in prediction.terms
    )
    return f"{terms}. Misfit at the fitted steps: at most {percent(prediction.misfit)}."


def _held_out_row(held_out: HeldOut) -> tuple[Cell, ...]:
    point = held_out.point
    return (
        Cell(str(point.ranks), f"held out, {count(point.tasks, 'task')}"),
        Cell(_seconds(held_out.predicted), "per step"),
        Cell(
            _seconds(held_out.measured),
            "holds" if held_out.holds else "misses",
            "" if held_out.holds else "bad",
        ),
    )


def _row_of_prediction(predicted: Predicted, scaling: Scaling) -> tuple[Cell, ...]:
    here = next((s for s in scaling.strong if s.point.ranks == predicted.ranks), None)
    seats = (scaling.cores or 0) // (scaling.threads or 1)
    # Ranks that shared cores here can't be compared with ranks that need not.
    measured = here.speedup if here is not None and predicted.ranks <= seats else None
    return (
        Cell(str(predicted.ranks)),
        Cell(ratio_interval(predicted.speedup)),
        Cell(ratio_interval(measured)),
    )


def _needed(needed: Needed, scaling: Scaling) -> Cell:
    published = ratio(needed.published)
    if needed.ranks is None:
        least = (
            f"; at the upper end of the interval {count(needed.fewest, 'rank')} would"
            if needed.fewest is not None
            else ""
        )
        return Cell(
            f"{published}: no number of ranks",
            f"{capital(needed.text)}: with {count(scaling.batch, 'task')} per step, no number of "
            f"ranks is predicted to reach it{least}.",
        )
    most = "none" if needed.most is None else str(needed.most)
    return Cell(
        f"{published}: {count(needed.ranks, 'rank')} [{needed.fewest}, {most}]",
        f"{capital(needed.text)}: the fewest ranks predicted to reach it, and the fewest at "
        "either end of the interval.",
    )


def _seconds(interval: Interval) -> str:
    """Write seconds and their bounds in the unit that suits the largest."""
    factor, unit = scale(interval.high, "s")
    low, middle, high = (end / factor for end in (interval.low, interval.estimate, interval.high))
    return with_bounds(Interval(middle, low, high, interval.n, interval.method), f" {unit}")
