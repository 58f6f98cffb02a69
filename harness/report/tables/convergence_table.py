"""The table of reference convergence: baselines beside what is published of them."""

from __future__ import annotations

from harness.judge.judgement import Judgement
from harness.judge.quality.convergence import TOO_SOON, Convergence, Outcome
from harness.report.tables.table import Cell, Column, Table, Tone, simple_table
from harness.report.units import UNKNOWN, percent, significant, with_bounds
from harness.report.words import full_stop

TONES: dict[Outcome, Tone] = {
    Outcome.REACHED: "good",
    Outcome.MISSED: "bad",
    Outcome.TOO_SOON: "bad",
}


def convergence_table(judgement: Judgement) -> Table | None:
    """Return what is published of every baseline, and what it reached here."""
    return simple_table(
        "reference-convergence",
        "Reference convergence",
        "Baselines whose data, ways, shots and network have a published accuracy. A baseline must "
        "reach it on test tasks after the published number of meta-steps, but not within "
        f"{percent(TOO_SOON)} of them. One that misses it, or is there too soon, makes every "
        "verdict on it invalid; one that was trained for less, or is undecided, is marked. It may "
        "miss by the published interval or, where none is given, by one percentage point (of a "
        "loss, 1 %). Brackets hold the 95 % interval over seeds, or over tasks where there is one "
        "seed.",
        (
            Column("Baseline", 1.5),
            Column("Published", 1.6),
            Column("Steps of published", 1.1, numeric=True),
            Column("Here [95 %]", 1.4, numeric=True),
            Column("Outcome", 1.6),
        ),
        [_row(each) for each in judgement.convergence],
        in_summary=True,
    )


def _row(found: Convergence) -> tuple[Cell, ...]:
    published = found.published
    on = f"{found.workload} ({found.settings})" if found.settings else found.workload
    steps = UNKNOWN if found.steps is None else f"{found.steps:,}"
    here = significant(found.quality) if found.interval is None else with_bounds(found.interval)
    return (
        Cell(found.baseline, f"{on}, data: {found.data}"),
        Cell(f"{published.name}: {significant(published.quality)}", full_stop(published.source)),
        Cell(f"{steps} of {published.steps:,}"),
        Cell(here, found.metric),
        Cell(str(found.outcome), full_stop(found.reason), TONES.get(found.outcome, "open")),
    )
