"""The tables of pairs: ratios, accuracy, noise, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping

from harness.declare.measures import MEASURES, Timing
from harness.declare.pair import with_settings, workload_words
from harness.declare.passes import Pass, Seen
from harness.declare.point import Point, words_of
from harness.judge.judgement import Judgement, PairJudgement, Quality, Ratio
from harness.judge.noise.pair_noise import AA_CONFIDENCE, Twins, noise_of
from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.report.tables.gradient_tables import NOTHING_TIMED, gradients, no_ratio
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table, simple_table
from harness.report.units import (
    UNKNOWN,
    bounds,
    count,
    percent,
    quantity,
    ratio_interval,
    significant,
    with_bounds,
)
from harness.report.words import basis, full_stop, listed, measure_name, team_words

# The judge takes the mean over pairs whose members both passed, and over no others.
OVERALL_GRADIENTS = Cell("gradients: both members' checks hold in every pair of this mean")


def pair_table(judgement: Judgement) -> Table | None:
    """Return the ratios of every pair in every measure, and what its gradients owe."""
    groups = [group for group in map(_pair_group, judgement.pairs) if group.rows]
    for members in dict.fromkeys(found.members for found in judgement.overall):
        mine = [found for found in judgement.overall if found.members == members]
        how = dict.fromkeys(found.interval.method for found in mine if found.interval)
        groups.append(
            Group(
                (*(_ratio_row(found) for found in mine), (OVERALL_GRADIENTS,)),
                f"Over workloads: {members}" if members else "Over workloads",
                full_stop("; ".join(how)),
            )
        )
    return grouped_table(
        "pairs",
        "Pairs",
        "The medians of baseline and method, and the median of the per-round ratios (baseline over "
        f"method) with its 95 % interval. With fewer than {MIN_ROUNDS} rounds the brackets show "
        f"the span of all rounds, which is not a confidence interval.{_of_variants(judgement)}",
        (
            Column("Measure", 1.4),
            Column("Baseline", 1.0, numeric=True),
            Column("Method", 1.0, numeric=True),
            Column("Ratio [95 %]", 1.9, numeric=True),
            Column("n", 0.8, numeric=True),
        ),
        groups,
        in_summary=True,
    )


def _of_variants(judgement: Judgement) -> str:
    """Say what the times of single calls are of, where a row has one."""
    rows = (MEASURES.of(ratio.measure) for judged in judgement.pairs for ratio in judged.ratios)
    if not any(row is not None and row.timing is Timing.CALLS for row in rows):
        return ""
    return (
        " A variant's time is that of adapting to one task. The full variant leaves nothing out; "
        "validation tasks select the chosen variant."
    )


def quality_table(judgement: Judgement) -> Table | None:
    """Return the test quality of both members, over tasks and over seeds kept apart."""
    return grouped_table(
        "quality",
        "Accuracy",
        "Quality on held-out test tasks: the mean with its 95 % interval over tasks and over "
        "seeds. The two intervals answer different questions and are not pooled. Tasks that all "
        "seeds share count once. The difference between the members, paired by seed and task, "
        "decides; each end is a one-sided 95 % bound. Inherited values were not measured.",
        (
            Column("Member", 1.4),
            Column("Steps", 0.7, numeric=True),
            Column("Over tasks [95 %]", 1.6, numeric=True),
            Column("Over seeds [95 %]", 1.6, numeric=True),
        ),
        [
            _quality_group(judged, judged.quality)
            for judged in judgement.pairs
            if judged.quality is not None and _has_quality(judged.quality)
        ],
    )


def noise_table(judgement: Judgement) -> Table | None:
    """Return what baselines and their twins measured: what this machine shows of no difference."""
    rows = [
        (
            Cell(twins.pair, "its twin" if twins.own else "A/A pair"),
            Cell(_named(twins.measure, twins.point)),
            Cell(ratio_interval(twins.interval), basis(twins.measure, twins.interval)),
            _wide_cell(twins),
        )
        for twins in judgement.twins
    ]
    if any(twins.own for twins in judgement.twins):
        floor = "A pair's noise floor is the largest distance from 1 that its intervals reach"
    elif judgement.noise_floor is None:
        floor = "The noise floor is unknown"
    else:
        floors = noise_of(judgement.twins).floors
        each = listed([f"{percent(value)} for {kind}" for kind, value in floors.items()])
        alone = percent(judgement.noise_floor)
        floor = f"The noise floor, its farthest end from 1, is {each if len(floors) > 1 else alone}"
    return simple_table(
        "noise",
        "Noise",
        f"A baseline against itself, whose interval at {percent(AA_CONFIDENCE)} must cover 1.00. "
        f"{floor}; no smaller effect is called real.",
        (
            Column("Pair", 1.2),
            Column("Measure", 0.8),
            Column("Ratio [95 %]", 1.5, numeric=True),
            Column(f"Tested [{AA_CONFIDENCE:.0%}]".replace("%", " %"), 1.1, numeric=True),
        ),
        rows,
    )


def _named(measure: str, point: Point) -> str:
    """Name a measure, and the point of the sweep that it was taken at."""
    return measure_name(measure) + (f", {words_of(point)}" if point else "")


def failure_table(judgement: Judgement, passes: Mapping[str, Pass[Seen]]) -> Table | None:
    """Return every block that gave no measurement, with the reason."""
    rows = []
    for judged in judgement.pairs:
        for failure in judged.failures:
            rows.append(
                (
                    Cell(judged.pair.name, f"{failure.member}, {passes[failure.measured].told}"),
                    Cell(failure.status, count(failure.blocks, "block"), "bad"),
                    Cell(failure.reason or "reason unknown"),
                )
            )
        if judged.missing_blocks:
            rows.append(
                (
                    Cell(judged.pair.name),
                    Cell("not run", count(judged.missing_blocks, "block"), "open"),
                    Cell("Planned, but not in the records. Finish the run with resume=."),
                )
            )
    return simple_table(
        "failures",
        "Not measured",
        "The blocks that gave no measurement, and the reason.",
        (Column("Pair", 1.2), Column("Outcome", 0.8), Column("Reason", 2.0)),
        rows,
        in_summary=True,
    )


def _pair_group(judged: PairJudgement) -> Group:
    pair = judged.pair
    method = with_settings(pair.method, dict(pair.method_settings))
    baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
    what = "A/A: the same learner twice" if pair.is_aa else f"difference: {pair.differ}"
    note = f"{baseline} against {method}{team_words(pair)} on {workload_words(pair)}; {what}."
    instead = no_ratio(judged)
    rows: list[tuple[Cell, ...]] = []
    if instead is None:
        rows += [_ratio_row(found) for found in judged.ratios]
    elif instead != NOTHING_TIMED:  # of a pair that is there for its accuracy, no time is missing
        rows.append((instead,))
    if not pair.is_aa and (rows or "check" in pair.passes):
        rows.append((gradients(judged),))
    return Group(tuple(rows), pair.name, note)


def _wide_cell(twins: Twins) -> Cell:
    """Write the interval by which a baseline against itself holds or does not."""
    if twins.wide.n < MIN_ROUNDS:
        return Cell(UNKNOWN, f"fewer than {count(MIN_ROUNDS, 'round')}")
    held = "covers 1.00" if twins.holds else "misses 1.00"
    return Cell(bounds(twins.wide), held, "" if twins.holds else "bad")


def _has_quality(quality: Quality) -> bool:
    return quality.baseline is not None or quality.method is not None


def _ratio_row(found: Ratio) -> tuple[Cell, ...]:
    if found.interval is None:
        value, rests_on = Cell("no ratio", found.reason or "reason unknown"), UNKNOWN
    else:
        derived = found.derived is not None
        note = f"derived: {found.derived}" if derived else ""
        value = Cell(ratio_interval(found.interval), note, derived=derived)
        rests_on = basis(found.measure, found.interval)
    return (
        Cell(_named(found.measure, found.point)),
        Cell(quantity(found.baseline, found.unit)),
        Cell(quantity(found.method, found.unit)),
        value,
        Cell(rests_on),
    )


def _quality_group(judged: PairJudgement, quality: Quality) -> Group:
    direction = "higher" if quality.higher_is_better else "lower"
    steps = quality.baseline_steps
    inherited = Cell("inherited", derived=True)
    method = (
        (Cell(judged.pair.method), Cell(UNKNOWN), inherited, inherited)
        if quality.inherited
        else _quality_row(
            judged.pair.method,
            quality.method_steps,
            quality.method_over_tasks,
            quality.method_over_seeds,
        )
    )
    baseline = _quality_row(judged.pair.baseline, steps, quality.over_tasks, quality.over_seeds)
    rows = [baseline, method]
    if quality.difference is not None:
        kept = {True: "not worse", False: "worse", None: "undecided"}[quality.not_worse]
        found = Cell(with_bounds(quality.difference), f"{kept} by {significant(quality.margin, 2)}")
        rows.append((Cell("difference"), Cell(""), Cell(""), found))
    note = (
        f"{quality.metric}, {direction} is better; margin {significant(quality.margin, 2)}; "
        f"{full_stop(quality.reason)}"
    )
    return Group(tuple(rows), judged.pair.name, note)


def _quality_row(
    member: str, steps: int | None, over_tasks: Interval | None, over_seeds: Interval | None
) -> tuple[Cell, ...]:
    return (
        Cell(member),
        Cell(UNKNOWN if steps is None else str(steps)),
        Cell(with_bounds(over_tasks), count(over_tasks.n, "task") if over_tasks else ""),
        Cell(with_bounds(over_seeds), count(over_seeds.n, "seed") if over_seeds else ""),
    )
