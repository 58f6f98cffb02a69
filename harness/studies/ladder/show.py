"""The tables of a ladder: what each rung gives, its rates, what it costs once, and what follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from harness.declare.point import words_of
from harness.judge.judgement import Judgement
from harness.report.section import Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import (
    UNKNOWN,
    count,
    percent,
    quantity,
    ratio,
    ratio_interval,
    significant,
    with_bounds,
)
from harness.report.words import span
from harness.studies.ladder.costs import BreakEven, Cost, Length, Rate
from harness.studies.ladder.figure import figures, line_words
from harness.studies.ladder.judge import STEP_TIME, Ladder, Step, Waterfall
from harness.studies.ladder.learning import Arrival

HEADING = "Ladder"
NEVER = "never"


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    found: tuple[Ladder, ...] = judgement.studies.get("ladder", ())
    return {"ladders": [dataclasses.asdict(each) for each in found]}


def parts(judgement: Judgement) -> Iterator[Part]:
    found: tuple[Ladder, ...] = judgement.studies.get("ladder", ())
    for each in found:
        yield Part(HEADING, 21, tuple(figures(each)), (rung_table(each), rate_table(each)))
    yield Part(HEADING, 22, tables=(cost_table(found),))
    for each in found:
        yield Part(HEADING, 23, tables=(length_table(each), held_out_table(each)))


def rung_table(found: Ladder) -> Table | None:
    """Return what each rung gives, at every point where several were measured."""
    return grouped_table(
        "ladder",
        "What each rung gives",
        f"Speed-ups of a meta-update over {found.baseline}, with 95 % intervals. Added: the factor "
        "by which a rung multiplies the speed-up of those before it; these factors multiply to the "
        "last speed-up so far.",
        (
            Column("Rung", 1.2),
            Column("Alone", 1.5, numeric=True),
            Column("Added", 1.5, numeric=True),
            Column("So far", 1.5, numeric=True),
        ),
        [
            Group(tuple(map(_rung_row, each.steps)), _where(found, each))
            for each in found.waterfalls
        ],
    )


def rate_table(found: Ladder) -> Table | None:
    return grouped_table(
        "ladder_rates",
        "How fast each rung trains",
        "Meta-updates and inner steps of all tasks a second, with 95 % intervals over rounds. The "
        "time of a meta-epoch is derived: its meta-updates at their median time, plus the one-off "
        "cost; the baseline's is below it.",
        (
            Column("Rung", 1.4),
            Column("Meta-updates a second", 1.4, numeric=True),
            Column("Inner steps a second", 1.4, numeric=True),
            Column("Meta-epoch (derived)", 1.0, numeric=True),
        ),
        [Group(tuple(map(_rate_row, found.rates)), found.workload)] if found.rates else [],
    )


def cost_table(found: Sequence[Ladder]) -> Table | None:
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for each in found:
        rows = groups.setdefault(each.workload, [])
        rows += [_cost_row(each.baseline, cost) for cost in each.costs]
    return grouped_table(
        "one_off",
        "One-off cost of each rung",
        "How much longer the first meta-update on new tasks takes than its repetition, in a fresh "
        "process without caches from other runs: on the first draw of tasks, on the same draw in a "
        "second process that finds what the first left on disk, and on average on "
        "later draws, whose shapes differ. Below: what the learner counts as planned, compiled, "
        "captured or built, and its seconds. Break-even is derived: the number of meta-updates "
        "that earn it back, with the range that the ends of the speed-up's interval give.",
        (
            Column("Rung", 1.2),
            Column("First draw", 0.9, numeric=True),
            Column("In a second process", 0.9, numeric=True),
            Column("Later draws", 0.9, numeric=True),
            Column("Break-even (derived)", 1.4, numeric=True),
            Column("Against a cheaper rung", 1.4, numeric=True),
        ),
        [Group(tuple(rows), workload) for workload, rows in groups.items() if rows],
        wide=True,
    )


def length_table(found: Ladder) -> Table | None:
    """Return what runs of several lengths come to; the lengths are the suite's."""
    groups: dict[tuple[str, int], list[Length]] = {}
    for each in found.lengths:
        groups.setdefault((each.name, each.updates), []).append(each)
    return grouped_table(
        "run_lengths",
        "Speed-up by run length",
        "Derived from the time of a meta-update and the one-off cost: the speed-up of a run that "
        "pays this cost, and its share of the run. A rung that keeps what it built saves that "
        f"share in every later run. {found.remark}".strip(),
        (
            Column("Rung", 1.6),
            Column("Speed-up (derived)", 1.2, numeric=True),
            Column("One-off share", 1.2, numeric=True),
        ),
        [
            Group(tuple(map(_length_row, each)), f"{name}: {count(updates, 'meta-update')}")
            for (name, updates), each in groups.items()
        ],
    )


def held_out_table(found: Ladder) -> Table | None:
    held = found.held_out
    if held is None:
        return None
    return grouped_table(
        "held_out",
        "Time to a held-out loss, and loss after equal time",
        f"Derived: the rungs are Exact, so all follow the learning curve of pair {held.pair}, "
        "each at its own time per meta-update. The held-out loss is the median "
        f"over seeds of the best that its training reached ({held.metric} {_value(held.target)}; "
        f"{held.reached} seeds got there). Equal time is {quantity(held.budget_s, 's')}, which the "
        "fastest rung takes for the whole curve; the value is the latest evaluation by then, as "
        "the median over seeds.",
        (
            Column("Rung", 1.4),
            Column("Time to the loss", 1.0, numeric=True),
            Column("Meta-updates in equal time", 1.2, numeric=True),
            Column("Loss left", 1.0, numeric=True),
        ),
        [Group(tuple(map(_arrival_row, (held.baseline, *held.rungs))), found.workload)],
    )


def _where(found: Ladder, each: Waterfall) -> str:
    return f"{found.workload}, {words_of(each.point)}" if each.point else found.workload


def _rung_row(step: Step) -> tuple[Cell, ...]:
    since = f"on top of {step.since}" if step.since and step.gives is not None else ""
    note = "" if step.so_far is None else span(STEP_TIME, step.so_far)
    return (
        Cell(step.rung, step.reason),
        Cell(ratio_interval(step.alone)),
        Cell(ratio_interval(step.gives), since),
        Cell(ratio_interval(step.so_far), note),
    )


def _rate_row(rate: Rate) -> tuple[Cell, ...]:
    baseline = rate.baseline_epoch_s
    return (
        Cell(line_words(rate.rung, rate.added)),
        Cell(with_bounds(rate.updates_a_second), count(rate.updates_a_second.n, "round")),
        Cell(UNKNOWN if rate.samples_a_second is None else with_bounds(rate.samples_a_second)),
        Cell(
            quantity(rate.epoch_s, "s"),
            "" if baseline is None else f"baseline {quantity(baseline, 's')}",
        ),
    )


def _cost_row(baseline: str, cost: Cost) -> tuple[Cell, ...]:
    once = cost.once
    made = f"{once.made} made, {quantity(once.made_s, 's')}" if once.made else ""
    cheaper = cost.against_cheaper
    return (
        Cell(line_words(cost.rung, cost.added), made),
        Cell(quantity(once.first_s, "s")),
        Cell(UNKNOWN if once.warm_s is None else quantity(once.warm_s, "s")),
        Cell(quantity(once.later_s, "s") if once.draws > 1 else UNKNOWN),
        Cell(*_even(cost.against_baseline, f"against {baseline}")),
        Cell(UNKNOWN)
        if cheaper is None
        else Cell(_even(cheaper, "")[0], f"against {cheaper.against}"),
    )


def _even(found: BreakEven, against: str) -> tuple[str, str]:
    """Write when a rung breaks even, and between what against whom."""
    if found.updates is None:
        return NEVER, against
    ends = [NEVER if end is None else significant(end, 2) for end in (found.soonest, found.latest)]
    return f"{significant(found.updates, 2)} meta-updates", f"{ends[0]} to {ends[1]}, {against}"


def _length_row(length: Length) -> tuple[Cell, ...]:
    return (
        Cell(line_words(length.rung, length.added)),
        Cell(ratio(length.speedup)),
        Cell(percent(length.share)),
    )


def _arrival_row(arrival: Arrival) -> tuple[Cell, ...]:
    left = arrival.left_in_budget
    return (
        Cell(line_words(arrival.rung, arrival.added)),
        Cell(quantity(arrival.seconds, "s")),
        Cell(str(arrival.updates_in_budget)),
        Cell(UNKNOWN if left is None else _value(left)),
    )


def _value(quality: float) -> str:
    return significant(quality)
