"""The tables of variants: what was chosen for every loss allowed, and the figures of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from harness.declare.pair import workload_words
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.report.section import Part
from harness.report.tables.gradient_tables import withheld
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import (
    UNKNOWN,
    count,
    estimate,
    percent,
    quantity,
    ratio,
    ratio_interval,
    significant,
    with_bounds,
)
from harness.report.words import listed
from harness.studies.variants.figure import variants
from harness.studies.variants.finding import (
    At,
    Best,
    Choice,
    Rival,
    Selection,
    trained_words,
)

STANDS = {True: "not worse", False: "worse", None: "undecided"}

# What test tasks made of a variant that was good enough on validation tasks.
TESTED = {
    True: "",
    False: " (on test tasks it is worse)",
    None: " (test tasks leave open whether it is worse)",
}


def parts(judgement: Judgement) -> Iterator[Part]:
    tables = (selection_table(judgement), variant_table(judgement))
    yield Part("Variants", 40, tuple(variants(judgement)), tables, rivals_words(judgement))


def said(judgement: Judgement) -> dict[str, Any]:
    """Return what was chosen, for programs."""
    return {
        "selections": [
            {
                "pair": judged.pair.name,
                "method": judged.pair.method,
                "method_settings": judged.pair.method_settings,
                "workload": judged.pair.workload,
                "settings": judged.pair.settings,
                **dataclasses.asdict(selection),
            }
            for judged, selection in _studied(judgement)
            if selection.choices
        ]
    }


def terms(judgement: Judgement) -> Iterator[tuple[str, str]]:
    """Yield what those variants do that were chosen, or that others have published."""
    told: dict[str, str] = {}
    for _, selection in _studied(judgement):
        known = {row.name: row.known_as for row in selection.rows if row.known_as}
        chosen = [choice.variant for choice in selection.choices]
        chosen += [best.variant for best in selection.best]
        for name in dict.fromkeys((*chosen, *known)):
            if name in selection.means:
                alias = f", known as {known[name]}" if name in known else ""
                told.setdefault(name, f"{selection.means[name]}{alias}")
    yield from sorted(told.items())


def methods(judgement: Judgement) -> Iterator[tuple[str, str]]:
    """Say how a choice and its judging were kept apart."""
    for judged, selection in _studied(judgement):
        if selection.choices:
            yield (
                "Choosing a variant",
                f"{judged.pair.name}: the fastest variant that loses no more than allowed on "
                f"validation tasks, by the times of {count(selection.choosing_rounds, 'round')} a "
                "seed. It is judged on test tasks and by the times of the other "
                f"{count(selection.judging_rounds, 'round')}, which had no part in the choice.",
            )


def _studied(judgement: Judgement) -> Iterator[tuple[PairJudgement, Selection]]:
    for judged in judgement.pairs:
        if (selection := judged.studies.get("variants")) is not None:
            yield judged, selection


def selection_table(judgement: Judgement) -> Table | None:
    """Return the variant that is chosen for every loss allowed, and how it fares."""
    groups = [
        _selection_group(judged, selection, at.steps)
        for judged, selection in _studied(judgement)
        if selection.choices
        for at in selection.baseline.at
    ]
    return grouped_table(
        "selection",
        "Chosen variants",
        "The fastest variant that loses no more than allowed against the full one on validation "
        "tasks. Its gain is measured on test tasks, and its time against the baseline's on one "
        "task, in rounds that had no part in the choice. The method's own part is the time of the "
        "full variant over that of the chosen one; the rest of the ratio comes from the "
        "implementation. The rival is the fastest published variant that is also allowed.",
        (
            Column("Allowed loss", 0.8),
            Column("Chosen", 0.9),
            Column("Gain [95 %]", 1.5, numeric=True),
            Column("Speed-up [95 %]", 1.5, numeric=True),
            Column("Rival", 0.9),
        ),
        groups,
        in_summary=True,
    )


def variant_table(judgement: Judgement) -> Table | None:
    """Return quality, time and operations of every variant."""
    groups = [
        _variant_group(judged, selection, column)
        for judged, selection in _studied(judgement)
        if not judged.pair.is_aa
        for column in range(len(selection.baseline.at))
    ]
    return grouped_table(
        "variants",
        "Variants",
        "Quality on test tasks (with a 95 % interval over tasks, not over trainings); the time of "
        "adapting to one task and to a batch (the median over all rounds, and below it the 95th "
        "percentile of all calls); and the operations of adapting to one task.",
        (
            Column("Variant", 1.1),
            Column("Quality", 0.9, numeric=True),
            Column("One task", 1.0, numeric=True),
            Column("Batch", 1.0, numeric=True),
            Column("Operations", 1.1, numeric=True),
        ),
        groups,
    )


def rivals_words(judgement: Judgement) -> str:
    """Say where a variant that others have published already gives the gain in time."""
    told = " ".join(
        f"{judged.pair.name}: {listed(parts)}."
        for judged, selection in _studied(judgement)
        if (parts := _rival_parts(selection))
    )
    return f"{told} Validation tasks decided which variants are good enough." if told else ""


def _rival_parts(selection: Selection) -> list[str]:
    parts = []
    for at in selection.baseline.at:
        choice = selection.choice(selection.margin, at.steps)
        if choice is None or choice.ratio is None:
            continue
        when = f"at {count(at.steps, 'inner step')}"
        speed = f"{ratio(choice.ratio.estimate)} the baseline's speed"
        faster = f"{speed}{TESTED[choice.not_worse]}"
        if choice.variant == selection.full:
            parts.append(f"{when} only the full variant is good enough")
        elif choice.known_as:
            parts.append(f"{when} the choice is the published {choice.known_as}, with {faster}")
        elif choice.rival is None or choice.rival.ratio is None:
            parts.append(
                f"{when} no published variant is good enough, and {choice.variant} has {faster}"
            )
        else:
            rival = f"{ratio(choice.rival.ratio.estimate)}{TESTED[choice.rival.not_worse]}"
            parts.append(
                f"{when} the published {choice.rival.known_as} is good enough with {rival}, where "
                f"{choice.variant} has {faster}"
            )
    return parts


def _selection_group(judged: PairJudgement, selection: Selection, steps: int) -> Group:
    reason = withheld(judged)
    mine = [choice for choice in selection.choices if choice.steps == steps]
    rows: list[tuple[Cell, ...]] = [
        _choice_row(list(alike), selection, reason)
        for _, alike in groupby(mine, key=lambda choice: (choice.variant, choice.rival))
    ]
    rows += [
        (_best_cell(best, selection),)
        for best in selection.best
        if best.steps == steps and reason is None
    ]
    rounds = count(selection.choosing_rounds, "round")
    note = (
        f"{_study_words(judged, selection)}; times of "
        f"{rounds} per seed chose, the other {selection.judging_rounds} are shown; gains over "
        f"{count(selection.seeds, 'seed')}."
    )
    return Group(tuple(rows), f"{judged.pair.name}, {count(steps, 'inner step')}", note)


def _choice_row(alike: list[Choice], selection: Selection, reason: str | None) -> tuple[Cell, ...]:
    """Write one row for all losses allowed at which the same variant is chosen."""
    choice = alike[0]
    others = {own for each in alike for own in each.own if own != choice.variant}
    own = f"single seeds: {', '.join(sorted(others))}" if others else choice.known_as
    write = significant if selection.higher_is_better else percent
    allowed = " to ".join(dict.fromkeys(write(each.tau, 2) for each in (alike[0], alike[-1])))
    within = " to ".join(dict.fromkeys(str(each.within) for each in (alike[0], alike[-1])))
    at_margin = f"{STANDS[choice.not_worse]} by {write(selection.margin, 2)}"
    return (
        Cell(allowed, f"{within} of {count(len(selection.rows), 'variant')}"),
        Cell(choice.variant, own),
        Cell(_gain(choice.gain), at_margin if choice.gain else ""),
        Cell("not shown", reason) if reason else _faster(choice),
        Cell(UNKNOWN) if reason else _rival_cell(choice, selection),
    )


def _faster(choice: Choice) -> Cell:
    if choice.ratio is None:
        return Cell(UNKNOWN, "no rounds left to judge by")
    parts = [
        ("own part", choice.own_ratio.estimate if choice.own_ratio else None),
        ("batch", choice.batch_ratio.estimate if choice.batch_ratio else None),
        ("operations", choice.flops_ratio),
    ]
    told = ", ".join(f"{what} {ratio(value)}" for what, value in parts if value is not None)
    return Cell(ratio_interval(choice.ratio), told)


def _rival_cell(choice: Choice, selection: Selection) -> Cell:
    if choice.variant == selection.full:
        return Cell("none", "no other variant is good enough and faster")
    if choice.known_as:
        return Cell("the same", choice.known_as)
    if choice.rival is None:
        return Cell("none")
    gain = choice.rival.gain
    return Cell(
        f"{choice.rival.known_as} {_estimate(choice.rival)}",
        f"gain {estimate(gain)}, {STANDS[choice.rival.not_worse]}" if gain else "",
    )


def _estimate(rival: Rival) -> str:
    return ratio(rival.ratio.estimate) if rival.ratio else UNKNOWN


def _best_cell(best: Best, selection: Selection) -> Cell:
    name = f"{best.variant}{f' ({best.known_as})' if best.known_as else ''}"
    text = f"best on validation tasks: {name}, gain on test tasks {_gain(best.gain)}"
    if set(best.own) != {best.variant}:
        text += f" (for each seed, the best of the other seeds: {listed(list(best.own))})"
    if best.variant == selection.full:
        return Cell(f"{text}; this is the full variant")
    if best.rival is not None and not best.known_as:
        text += f"; the best published one, {best.rival.known_as}, {_gain(best.rival.gain)}"
    return Cell(text)


def _gain(gain: Interval | None) -> str:
    return with_bounds(gain) if gain is not None else UNKNOWN


def _variant_group(judged: PairJudgement, selection: Selection, column: int) -> Group:
    rows = [_variant_row(row.name, row.known_as, row.at[column]) for row in selection.rows]
    rows.append(_variant_row(selection.baseline.name, "baseline", selection.baseline.at[column]))
    steps = count(selection.baseline.at[column].steps, "inner step")
    batch = f"; a batch holds {count(selection.batch, 'task')}" if selection.batch else ""
    note = f"{_study_words(judged, selection)}{batch}.{_full_words(selection)}"
    return Group(tuple(rows), f"{judged.pair.name}, {steps}", note)


def _full_words(selection: Selection) -> str:
    """Tell the full variant's quality at every number of steps, where there are several."""
    full = next(row for row in selection.rows if row.name == selection.full)
    known = [f"{significant(at.quality)} at {at.steps}" for at in full.at if at.quality is not None]
    if len(known) < 2:
        return ""
    return f" Quality of the full variant {full.name}, by inner steps: {listed(known)}."


def _study_words(judged: PairJudgement, selection: Selection) -> str:
    """Name the method, its workload and how it was trained, and what quality is."""
    trained = trained_words(selection.trained_at)
    trained = f", {trained}" if trained else ""
    return f"{judged.pair.method} on {workload_words(judged.pair)}{trained}; {selection.metric}"


def _variant_row(name: str, known_as: str, at: At) -> tuple[Cell, ...]:
    half = (at.over_tasks.high - at.over_tasks.low) / 2 if at.over_tasks else None
    return (
        Cell(name, known_as),
        Cell(significant(at.quality), f"± {significant(half, 2)}" if half is not None else ""),
        Cell(quantity(at.seconds.estimate if at.seconds else None, "s"), _tail(at.tail)),
        Cell(quantity(at.batch_seconds, "s"), _tail(at.batch_tail)),
        Cell(quantity(at.flops, "operations")),
    )


def _tail(seconds: float | None) -> str:
    return f"95 %: {quantity(seconds, 's')}" if seconds is not None else ""
