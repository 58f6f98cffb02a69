"""What a grid shows: what was chosen and how it was judged, the largest values, every cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.declare.point import words_of
from harness.judge.judgement import Judgement, PairJudgement
from harness.report.section import Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import UNKNOWN, count, quantity, ratio, ratio_interval, significant
from harness.report.words import listed
from harness.studies.grid import finding as found
from harness.studies.grid.figure import SIGNS, heat_maps, row_words

HEADING = "Best settings"


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    grids = {judged.pair.name: dataclasses.asdict(each) for judged, each in _findings(judgement)}
    return {"grids": grids} if grids else {}


def parts(judgement: Judgement) -> Iterator[Part]:
    tables = race_table(judgement), largest_table(judgement), cell_table(judgement)
    yield Part(HEADING, 25, tuple(heat_maps(judgement)), tables)


def race_table(judgement: Judgement) -> Table | None:
    """Return the ratio at the best setting, and the one of each side's own best."""
    return grouped_table(
        "races",
        "The best setting, and each side's own best",
        "Each half of the seeds chooses, and the other half judges its choice. At the best setting "
        "the method is furthest ahead of the baseline at the same setting; at its own best setting "
        "a member takes the fewest steps. Both members choose among the same settings. Seconds are "
        "derived: steps times the measured step time, with an interval over seeds and rounds, or "
        "the span where there are fewer than eight of either.",
        (
            Column("Read as", 1.2),
            Column("Chosen", 2.4),
            Column("Steps [95 %]", 1.6, numeric=True),
            Column("Seconds, derived [95 %]", 1.6, numeric=True),
        ),
        [
            Group(
                tuple(
                    row
                    for arm in each.arms
                    for row in (
                        _race_row("best setting", arm, arm.best),
                        _race_row("own best settings", arm, arm.own_best),
                    )
                ),
                judged.pair.name,
                _about(judged, each),
            )
            for judged, each in _findings(judgement)
        ],
        wide=True,
    )


def largest_table(judgement: Judgement) -> Table | None:
    """Return how far each member can be trained along the grid."""
    return grouped_table(
        "largest",
        "The largest trainable value",
        "The largest value of a setting at which most seeds get half of the way to the highest "
        "target. The ratio is the method's over the baseline's, with a bootstrap interval over "
        "seeds; a member that trains at no value counts as one that trains at the least.",
        (
            Column("Settings", 2.2),
            Column("Baseline", 0.8, numeric=True),
            Column("Method", 0.8, numeric=True),
            Column("Ratio [95 %]", 1.4, numeric=True),
        ),
        [
            Group(
                tuple(row for arm in each.arms for row in _largest_rows(arm)),
                f"{judged.pair.name}, {each.along}",
            )
            for judged, each in _findings(judgement)
            if any(arm.largest for arm in each.arms)
        ],
    )


def cell_table(judgement: Judgement) -> Table | None:
    """Return every cell: steps of both members, and how many seeds got there."""
    return grouped_table(
        "grid",
        "Steps to targets at every setting",
        "The steps by which half of the seeds had reached the target, and how many ever did. A "
        "dash: fewer than half. The ratio is the median over seeds; seeds that never "
        "reached the target count with their full training length, so the ratio is a bound.",
        (
            Column("Settings", 2.2),
            Column("Target", 0.7, numeric=True),
            Column("Baseline", 1.1, numeric=True),
            Column("Method", 1.1, numeric=True),
            Column("Ratio", 0.8, numeric=True),
        ),
        [
            Group(
                tuple(_cell_row(each.along, arm, cell) for cell in arm.cells),
                f"{judged.pair.name}, {words}" if (words := row_words(arm.settings, {})) else "",
            )
            for judged, each in _findings(judgement)
            for arm in each.arms
        ],
    )


def _findings(judgement: Judgement) -> list[tuple[PairJudgement, found.Finding]]:
    every = ((judged, judged.studies.get("grid")) for judged in judgement.pairs)
    return [(judged, each) for judged, each in every if each is not None]


def _about(judged: PairJudgement, each: found.Finding) -> str:
    targets = listed([significant(target) for target in each.targets])
    return (
        f"{judged.pair.method} against {judged.pair.baseline} over {count(each.seeds, 'seed')}. "
        f"Targets of validation {each.metric}: {targets}, set at the baseline's own best setting, "
        f"{words_of(each.best_baseline) or 'its own'}."
    )


def _race_row(name: str, arm: found.Arm, race: found.Race) -> tuple[Cell, ...]:
    steps = Cell(ratio_interval(race.ratio.interval), race.ratio.reason or _late(race))
    return (
        Cell(name, row_words(arm.settings, {})),
        Cell(*_chosen(race)),
        steps,
        Cell(ratio_interval(race.seconds), derived=True),
    )


def _late(race: found.Race) -> str:
    if race.ratio.interval is None:
        return ""
    late = f"; some seeds of the {listed(list(race.late))} never got there" if race.late else ""
    return f"n = {race.ratio.interval.n}{late}"


def _chosen(race: found.Race) -> tuple[str, str]:
    """Tell what each half chose, and where they differ."""
    told = [f"{each.words}, target {significant(each.target)}" for each in race.choices]
    if not told:
        return UNKNOWN, ""
    return told[0], "both halves" if len(set(told)) == 1 else f"the other half: {told[-1]}"


def _largest_rows(arm: found.Arm) -> Iterator[tuple[Cell, ...]]:
    if arm.largest is None:
        return
    for number, reach in enumerate(arm.largest.reaches):
        words = row_words(arm.settings, reach.row) if reach.row is not None else "any of them"
        yield (
            Cell(words, row_words(arm.settings, {}) if reach.row is None else ""),
            Cell(UNKNOWN if reach.baseline is None else f"{reach.baseline:g}"),
            Cell(UNKNOWN if reach.method is None else f"{reach.method:g}"),
            Cell(ratio_interval(arm.largest.ratio.interval) if number == 0 else ""),
        )


def _cell_row(along: str, arm: found.Arm, cell: found.Cell) -> tuple[Cell, ...]:
    shown = UNKNOWN if cell.neither else f"{SIGNS[cell.bound]}{ratio(cell.ratio)}"
    return (
        Cell(words_of({along: cell.value, **cell.row})),
        Cell(significant(cell.target)),
        _side(cell.baseline),
        _side(cell.method),
        Cell(shown),
    )


def _side(side: found.Side) -> Cell:
    diverged = f", {side.diverged} diverged" if side.diverged else ""
    seconds = f", {quantity(side.seconds, 's')} derived" if side.seconds is not None else ""
    return Cell(quantity(side.steps, "steps"), f"{side.reached} of {side.seeds}{diverged}{seconds}")
