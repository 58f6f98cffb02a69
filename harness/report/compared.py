"""Runs beside the first of them: as lines, for programs, and as a page."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import INCONCLUSIVE, NOTHING
from harness.judge.comparison import Change, Compared, Comparison
from harness.judge.judged_run import JudgedRun
from harness.judge.judgement import Ratio
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
from harness.report.units import GAP, count, ratio_interval
from harness.report.words import clean, cleaned, full_stop, listed, measure_name
from harness.report.write import finite

FILE = "comparison.json"

TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "same": "", "A/A": ""}

Name = tuple[str, str, str]


def as_json(compared: Compared) -> str:
    """Return all that was compared as one object."""
    table: dict[str, Any] = {
        "runs": [
            {"run": run.name, "started": run.manifest.started, "environment": run.environment}
            for run in compared.runs
        ],
        "comparisons": [
            {"run": run.name, **dataclasses.asdict(found), "exit_code": found.exit_code}
            for run, found in compared.others
        ],
        "exit_code": compared.exit_code,
    }
    return json.dumps(finite(table), indent=1, ensure_ascii=False) + "\n"


def as_text(compared: Compared) -> str:
    """Return a line for every ratio, then all that was not compared and why."""
    runs = [name for run, _ in compared.others for name in (run.name, "")]
    lines = aligned(("pair", "measure", compared.first.name, *runs), list(_rows(compared)))
    lines += [line for run, found in compared.others for line in _notes(compared, run, found)]
    return plain(lines)


def aligned(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines of columns below their heads, or nothing where there are no rows."""
    every = [heads, *rows] if rows else []
    widths = [max(len(row[place]) for row in every) for place in range(len(heads) if rows else 0)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]


def plain(lines: Sequence[str]) -> str:
    """Join lines, without characters that steer a terminal."""
    return "".join(clean(line.replace(GAP, " ")) + "\n" for line in lines)


def compose_comparison(compared: Compared) -> Content:
    """Turn what was compared into the content of a page and a paper."""
    command = ["python", "-m", "harness", "compare", *(run.name for run in compared.runs)]
    manifests = {run.name: run.manifest for run in compared.runs}
    parts = (
        Part("What changed", 1, tables=(_change_table(compared),)),
        Part("What was not compared", 2, tables=(_left_table(compared),)),
        Part("How it was measured", 3, tables=(machines_table(manifests),)),
        Part("The exact command", 4, commands=(shlex.join(command),)),
    )
    different = [run.name for run, found in compared.others if found.environment]
    first = compared.first.name
    warning = f"{listed(different)} and {first} come from different environments: no times compared"
    return cleaned(
        Content(
            title="Runs compared",
            subtitle=f"{listed([run.name for run, _ in compared.others])} beside {first}",
            started="",
            warnings=(full_stop(warning),) if different else (),
            abstract=(_abstract(compared),),
            sections=merge(parts),
        )
    )


def _abstract(compared: Compared) -> str:
    words = [change.word for _, found in compared.others for change in found.changes]
    tally = [f"{words.count(word)} {word}" for word in dict.fromkeys(words)]
    return (
        "A ratio is baseline over method inside one run, so the machine's drift between runs "
        "cancels. It changed if both intervals lie apart by more than the larger noise "
        "floor of the two runs; counts are compared exactly. "
        f"{count(len(words), 'comparison')}: {listed(tally) or 'none'}."
    )


def _names(compared: Compared) -> dict[Name, dict[str, Change]]:
    """Return the changes by pair, measure and point, and then by run."""
    found: dict[Name, dict[str, Change]] = {}
    for run, comparison in compared.others:
        for change in comparison.changes:
            name = (change.pair, change.measure, change.point)
            found.setdefault(name, {})[run.name] = change
    return found


def _rows(compared: Compared) -> Iterator[tuple[str, ...]]:
    for (pair, measure, point), changes in _names(compared).items():
        first = next(iter(changes.values())).before
        cells = [pair, f"{measure} {point}".strip(), _figure(first)]
        for run, _ in compared.others:
            change = changes.get(run.name)
            cells += ["", ""] if change is None else [_figure(change.after), change.word]
        yield tuple(cells)


def _figure(ratio: Ratio) -> str:
    if ratio.interval is None:
        return ratio.reason or "unknown"
    return ratio_interval(ratio.interval)


def _notes(compared: Compared, run: JudgedRun, found: Comparison) -> Iterator[str]:
    """Yield what was not compared of one run and why, and what its exit code comes from."""
    first = compared.first.name
    about = f"{run.name}: " if len(compared.others) > 1 else ""
    for line in dict.fromkeys(f"{change.word}: {change.reason}" for change in found.unjudged):
        yield f"{about}{line}"
    for mismatch in found.mismatches:
        yield f"{about}passed before and fails now, {mismatch}"
    if found.only_before:
        yield f"only in {first}, not in {run.name}: {'; '.join(found.only_before)}"
    if found.only_after:
        yield f"only in {run.name}, not in {first}: {'; '.join(found.only_after)}"
    for line in found.environment:
        yield f"{about}different environments, {line}"
    if found.environment and found.changes:
        yield f"{about}Ratios of time are not compared across environments; counts are."
    if not found.share_a_pair:
        yield f"{about}Nothing was compared: the runs share no pair."
    elif not found.changes:
        yield f"{about}Nothing was measured in both runs."
    elif found.exit_code == NOTHING:
        yield f"{about}Nothing could be compared."
    elif found.exit_code == INCONCLUSIVE:
        yield f"{about}Inconclusive: no change could be decided."


def _change_table(compared: Compared) -> Table | None:
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for (pair, measure, point), changes in _names(compared).items():
        first = next(iter(changes.values())).before
        cells = [Cell(measure_name(measure), point), Cell(_figure(first))]
        for run, _ in compared.others:
            change = changes.get(run.name)
            cells.append(
                Cell("not measured in both")
                if change is None
                else Cell(_figure(change.after), change.word, TONES.get(change.word, "open"))
            )
        groups.setdefault(pair, []).append(tuple(cells))
    return grouped_table(
        "changes",
        "Ratios of each run",
        "Each run's ratio of baseline over method with its 95 % interval; below it, whether it is "
        f"better or worse than in {compared.first.name}.",
        (Column("Measure", 1.4), *(Column(run.name, 1.6, numeric=True) for run in compared.runs)),
        [Group(tuple(rows), pair) for pair, rows in groups.items()],
        wide=True,
    )


def _left_table(compared: Compared) -> Table | None:
    return simple_table(
        "not-compared",
        "Not compared",
        "What only one run has, and what could not be compared.",
        (Column("Run", 1.0), Column("What, and why", 4.0)),
        [
            (Cell(run.name), Cell(full_stop(line)))
            for run, found in compared.others
            for line in _left(compared, run, found)
        ],
        wide=True,
    )


def _left(compared: Compared, run: JudgedRun, found: Comparison) -> Sequence[str]:
    reasons: dict[str, dict[str, None]] = {}
    for change in found.unjudged:
        reasons.setdefault(f"{change.word}, {change.reason}", {})[change.pair] = None
    return [
        *(f"{listed(list(pairs))}: {why}" for why, pairs in reasons.items()),
        *(
            f"only in {where}: {'; '.join(lines)}"
            for where, lines in (
                (compared.first.name, found.only_before),
                (run.name, found.only_after),
            )
            if lines
        ),
    ]
