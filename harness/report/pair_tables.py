"""The tables of pairs: ratios, accuracy, time to target, noise, and what was not measured."""

from __future__ import annotations

from harness.judge.judgement import Judgement, PairJudgement, Quality, Ratio, TargetTime
from harness.judge.statistics import Interval
from harness.report.gradient import withheld
from harness.report.table import Cell, Column, Group, Table, grouped_table, simple_table
from harness.report.units import (
    UNKNOWN,
    count,
    percent,
    quantity,
    ratio_interval,
    significant,
    with_bounds,
)
from harness.report.words import measure_name, pass_name, sentence, with_settings, workload_words

NO_RATIO = "no speed-up shown"


def pair_table(judgement: Judgement) -> Table | None:
    """Return the ratios of every pair in every measure."""
    groups = [_pair_group(judged) for judged in judgement.pairs]
    if judgement.overall:
        rows = tuple(_ratio_row(found) for found in judgement.overall)
        groups.append(Group(rows, "Over workloads", "Geometric means of one baseline and method."))
    return grouped_table(
        "pairs",
        "Pairs",
        "Medians of both members, and the median of the per-round ratios (baseline over method) "
        "with its 95 % interval.",
        (
            Column("Measure", 1.3),
            Column("Baseline", 1.0, numeric=True),
            Column("Method", 1.0, numeric=True),
            Column("Ratio [95 %]", 1.7, numeric=True),
        ),
        groups,
    )


def quality_table(judgement: Judgement) -> Table | None:
    """Return the test quality of both members, over tasks and over seeds kept apart."""
    return grouped_table(
        "quality",
        "Accuracy",
        "Quality on held-out test tasks: the mean with its 95 % interval over tasks, and over "
        "seeds. The two are different questions and are not pooled.",
        (
            Column("Member", 1.4),
            Column("Over tasks [95 %]", 1.6, numeric=True),
            Column("Over seeds [95 %]", 1.6, numeric=True),
        ),
        [
            _quality_group(judged, judged.quality)
            for judged in judgement.pairs
            if judged.quality is not None
        ],
    )


def target_table(judgement: Judgement) -> Table | None:
    """Return steps and seconds to each target."""
    return grouped_table(
        "targets",
        "Time to target",
        "Median over seeds of steps and seconds to the first sustained crossing of a target. The "
        "target set by rule is the median of the baseline's best validation results; the others "
        "lie around it. A dash: fewer than half of the seeds got there.",
        (
            Column("Target", 1.2),
            Column("Baseline", 1.5, numeric=True),
            Column("Method", 1.5, numeric=True),
        ),
        [
            Group(
                tuple(_target_row(target, withheld(judged)) for target in judged.targets),
                judged.pair.name,
                _curves_words(judged),
            )
            for judged in judgement.pairs
            if judged.targets
        ],
    )


def noise_table(judgement: Judgement) -> Table | None:
    """Return what the A/A pairs measured, which is what this machine shows where nothing differs."""
    rows = [
        (
            Cell(judged.pair.name, judged.pair.baseline),
            Cell(measure_name(found.measure)),
            Cell(ratio_interval(found.interval), f"{found.interval.n} rounds")
            if found.interval
            else Cell("not measured", found.reason or ""),
        )
        for judged in judgement.pairs
        if judged.pair.is_aa
        for found in judged.ratios
    ]
    floor = percent(judgement.noise_floor)
    return simple_table(
        "noise",
        "Noise",
        "A/A: a baseline against itself, whose interval must cover 1.00. The noise floor, the "
        f"farthest end of it from 1, is {floor}; no smaller effect is called real.",
        (Column("Pair", 1.3), Column("Measure"), Column("Ratio [95 %]", 1.5, numeric=True)),
        rows,
    )


def failure_table(judgement: Judgement) -> Table | None:
    """Return every block that gave no measurement, with the reason."""
    rows = []
    for judged in judgement.pairs:
        for failure in judged.failures:
            rows.append(
                (
                    Cell(judged.pair.name, f"{failure.member}, {pass_name(failure.measured)}"),
                    Cell(failure.status, count(failure.blocks, "block"), "bad"),
                    Cell(failure.reason or "reason unknown"),
                )
            )
        if judged.missing_blocks:
            rows.append(
                (
                    Cell(judged.pair.name),
                    Cell("not run", count(judged.missing_blocks, "block"), "open"),
                    Cell("Planned and not in the records. Resume the run to finish it."),
                )
            )
    return simple_table(
        "failures",
        "Not measured",
        "Blocks without a measurement, and why.",
        (Column("Pair", 1.2), Column("Outcome", 0.8), Column("Reason", 2.0)),
        rows,
    )


def _pair_group(judged: PairJudgement) -> Group:
    pair = judged.pair
    method = with_settings(pair.method, dict(pair.method_settings))
    baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
    what = "A/A: the same member twice" if pair.is_aa else f"differ: {pair.differ}"
    note = f"{baseline} against {method} on {workload_words(pair)}; {what}."
    reason = withheld(judged)
    if reason is not None:
        rows = [_none(NO_RATIO, reason)]
    elif judged.ratios:
        rows = [_ratio_row(found) for found in judged.ratios]
    else:
        rows = [_none("not measured", _why_nothing(judged))]
    return Group(tuple(rows), pair.name, note)


def _ratio_row(found: Ratio) -> tuple[Cell, ...]:
    value = (
        Cell(ratio_interval(found.interval), f"{found.interval.n} rounds" if _timed(found) else "")
        if found.interval is not None
        else Cell("no ratio", found.reason or "reason unknown")
    )
    return (
        Cell(measure_name(found.measure)),
        Cell(quantity(found.baseline, found.unit)),
        Cell(quantity(found.method, found.unit)),
        value,
    )


def _timed(found: Ratio) -> bool:
    return found.rounds > 1


def _none(text: str, reason: str) -> tuple[Cell, ...]:
    return (Cell("all"), Cell(UNKNOWN), Cell(UNKNOWN), Cell(text, reason, "bad"))


def _why_nothing(judged: PairJudgement) -> str:
    reasons = dict.fromkeys(failure.reason for failure in judged.failures)
    return "; ".join(reasons) or (
        f"{count(judged.missing_blocks, 'block')} not run yet"
        if judged.missing_blocks
        else "no timed block among its passes"
    )


def _quality_group(judged: PairJudgement, quality: Quality) -> Group:
    direction = "higher" if quality.higher_is_better else "lower"
    method = (
        (Cell(judged.pair.method), Cell("inherited"), Cell("inherited"))
        if quality.inherited
        else _quality_row(judged.pair.method, quality.method_over_tasks, quality.method_over_seeds)
    )
    baseline = _quality_row(judged.pair.baseline, quality.over_tasks, quality.over_seeds)
    margin = f"Margin {significant(quality.margin, 2)}."
    note = f"{quality.metric}, {direction} is better. {sentence(quality.reason)} {margin}"
    if quality.inherited:
        note += f" {_curves_words(judged)}"
    return Group((baseline, method), judged.pair.name, note)


def _quality_row(
    member: str, over_tasks: Interval | None, over_seeds: Interval | None
) -> tuple[Cell, ...]:
    return (
        Cell(member),
        Cell(with_bounds(over_tasks), count(over_tasks.n, "task") if over_tasks else ""),
        Cell(with_bounds(over_seeds), count(over_seeds.n, "seed") if over_seeds else ""),
    )


def _curves_words(judged: PairJudgement) -> str:
    return sentence(judged.curves.reason) if judged.curves is not None else ""


def _target_row(target: TargetTime, reason: str | None) -> tuple[Cell, ...]:
    def reach(steps: float | None, seconds: float | None, reached: str) -> Cell:
        if steps is None and seconds is None:
            return Cell(UNKNOWN, f"{reached} seeds")
        return Cell(
            f"{quantity(steps, 'steps')}, {quantity(seconds, 's')}", f"{reached} seeds"
        )

    return (
        Cell(significant(target.target), "by rule" if target.by_rule else ""),
        reach(target.baseline_steps, target.baseline_seconds, target.baseline_reached),
        Cell("not shown", reason)
        if reason is not None
        else reach(target.method_steps, target.method_seconds, target.method_reached),
    )
