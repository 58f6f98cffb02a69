"""A reproduction: as lines, for programs, and as a page."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from harness.errors import INCONCLUSIVE, MISMATCH, NOTHING, PASSED, REGRESSED
from harness.judge.reproduction import Agreement, Reproduction
from harness.judge.statistics import Interval
from harness.report.compared import aligned, plain
from harness.report.content import Content
from harness.report.section import Part, merge
from harness.report.tables.run_tables import machines_table
from harness.report.tables.table import (
    Cell,
    Column,
    Group,
    Table,
    Tone,
    grouped_table,
    simple_table,
)
from harness.report.units import UNKNOWN, count, quantity, ratio_interval, with_bounds
from harness.report.words import capital, cleaned, full_stop, listed, measure_name
from harness.report.write import finite

FOLDER, FILE = "reproduction", "reproduction.json"

ANSWERS = {
    PASSED: "Reproduced: everything that could be compared agrees.",
    REGRESSED: "Not reproduced: some figures differ.",
    INCONCLUSIVE: "Undecided: for at least one kind of figure, nothing could be decided.",
    NOTHING: "Nothing could be compared.",
    MISMATCH: "Not reproduced: a gradient check that passed before fails now.",
}
PLURALS = {"agrees": "agree", "differs": "differ"}
TONES: dict[str, Tone] = {"agrees": "good", "differs": "bad", "undecided": "open"}


def as_json(found: Reproduction) -> str:
    """Return every figure of both runs, their verdicts and their probes as one object."""
    table: dict[str, Any] = {
        "runs": [
            {"run": run.name, "started": run.manifest.started, "probes": run.manifest.probes}
            for run in (found.first, found.second)
        ],
        "plan": found.plan,
        "figures": [dataclasses.asdict(each) for each in found.figures],
        "verdicts": [dataclasses.asdict(each) for each in found.verdicts],
        "mismatches": list(map(str, found.mismatches)),
        "exit_code": found.exit_code,
    }
    return json.dumps(finite(table), indent=1, ensure_ascii=False) + "\n"


def as_text(found: Reproduction) -> str:
    """Return the probes that differ, a line for every figure and verdict, and the answer."""
    names = found.first.name, found.second.name
    figures = [(each.pair, _title(each), *_cells(each), _told(each)) for each in found.figures]
    verdicts = [
        (each.pair, _reading(each.claim, each.reading, each.point), each.before, each.after or "")
        for each in found.verdicts
    ]
    tables = (
        aligned(("probe", *names), list(_differing(found))),
        aligned(("pair", "figure", *names, ""), figures),
        aligned(("pair", "claim", *names), verdicts),
    )
    spaced = [line for table in tables if table for line in (*table, "")]
    return plain([*spaced, *notes(found), ANSWERS[found.exit_code]])


def notes(found: Reproduction) -> Iterator[str]:
    """Yield what else is to be known of a reproduction."""
    if found.plan is not None:
        yield f"The plans differ: {found.plan}."
    for line in found.mismatches:
        yield f"Passed before and fails now: {line}."
    words = [figure.word for figure in found.figures]
    tally = [f"{words.count(word)} {PLURALS.get(word, word)}" for word in dict.fromkeys(words)]
    other = sum(not each.same for each in found.verdicts)
    yield f"{capital(count(len(words), 'figure'))}: {listed(tally) or 'none'}."
    if found.verdicts:
        yield f"{capital(count(len(found.verdicts), 'verdict'))}: {other} differ."


def compose_reproduction(found: Reproduction) -> Content:
    """Turn a reproduction into the content of a page and a paper."""
    first, second = found.first, found.second
    parts = (
        Part("Figure by figure", 1, tables=(_figure_table(found),)),
        Part("Verdicts", 2, tables=(_verdict_table(found),)),
        Part(
            "Machines",
            3,
            tables=(machines_table({first.name: first.manifest, second.name: second.manifest}),),
        ),
    )
    return cleaned(
        Content(
            title=f"{first.name}, measured again",
            subtitle=ANSWERS[found.exit_code],
            started=f"{first.manifest.started} and {second.manifest.started}",
            warnings=(f"The plans differ: {full_stop(found.plan)}",) if found.plan else (),
            abstract=(" ".join(notes(found)),),
            sections=merge(parts),
        )
    )


def _title(figure: Agreement) -> str:
    whose = f" of the {figure.member}" if figure.member else ""
    at = f" at {figure.point}" if figure.point else ""
    return f"{measure_name(figure.measure)}{whose}{at}"


def _cells(figure: Agreement) -> tuple[str, str]:
    return _value(figure, figure.before), _value(figure, figure.after)


def _value(figure: Agreement, interval: Interval | None) -> str:
    if interval is None:
        return UNKNOWN
    if figure.kind == "ratio":
        return ratio_interval(interval)
    if figure.kind == "count":  # one that differs by one must be seen to differ
        equal = figure.after is None or figure.after.estimate == figure.before.estimate
        exact = f"{interval.estimate:,.0f} {figure.unit}".strip()
        return quantity(interval.estimate, figure.unit) if equal else exact
    return with_bounds(interval)


def _told(figure: Agreement) -> str:
    return f"{figure.word}: {figure.reason}" if figure.reason else figure.word


def _reading(claim: str, reading: str, point: str) -> str:
    return f"{claim}, {reading}{f' at {point}' if point else ''}"


def _differing(found: Reproduction) -> Iterator[tuple[str, str, str]]:
    """Yield the probes that are not the same in both runs."""
    manifests = {"first": found.first.manifest, "second": found.second.manifest}
    table = machines_table(manifests)
    for group in () if table is None else table.groups:
        for label, one, other, _ in group.rows:
            if one.text != other.text:
                yield label.text, one.text, other.text


def _figure_table(found: Reproduction) -> Table | None:
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for figure in found.figures:
        cells = (Cell(text) for text in (_title(figure), *_cells(figure)))
        word = Cell(figure.word, figure.reason or "", TONES.get(figure.word, ""))
        groups.setdefault(figure.pair, []).append((*cells, word))
    return grouped_table(
        "agreement",
        "Figures of both runs",
        "Ratios are baseline over method inside each run. They agree if their intervals do not lie "
        "apart by more than the larger noise floor of the two runs; accuracies and gains if their "
        "intervals overlap; counts if they are equal.",
        (
            Column("Figure", 1.6),
            Column(found.first.name, 1.4, numeric=True),
            Column(found.second.name, 1.4, numeric=True),
            Column("", 1.4),
        ),
        [Group(tuple(rows), pair) for pair, rows in groups.items()],
        wide=True,
    )


def _verdict_table(found: Reproduction) -> Table | None:
    return simple_table(
        "verdicts-of-both",
        "Verdicts of both runs",
        "The word that each run gives to each reading of a claim.",
        (
            Column("Claim", 2.0),
            Column("Pair", 1.4),
            Column(found.first.name, 1.0),
            Column(found.second.name, 1.0),
        ),
        [
            (
                Cell(_reading(each.claim, each.reading, each.point)),
                Cell(each.pair),
                Cell(each.before),
                Cell(each.after or UNKNOWN, "", "" if each.same else "mixed"),
            )
            for each in found.verdicts
        ],
        wide=True,
    )
