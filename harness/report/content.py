"""The content of a report: ready-to-set text, the same for paper, page and terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.judge.blocks import latest
from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.abstract import (
    Finding,
    abstract,
    checks_and_noise,
    findings,
    own_cost,
)
from harness.report.captions import Figure, describe_figures
from harness.report.distance_table import distance_table
from harness.report.pair_tables import (
    failure_table,
    noise_table,
    pair_table,
    quality_table,
    target_table,
)
from harness.report.run_tables import machine_table, member_table, protocol_table
from harness.report.table import Table
from harness.report.verdict_table import verdict_table
from harness.report.words import capital, cleaned, full_stop, is_gain
from harness.studies.ablation.show import parts_table
from harness.studies.memory.growth import growth_table
from harness.studies.ranks.readings import ranks_table
from harness.studies.ranks.show import prediction_table, scaling_table
from harness.studies.side_by_side.show import accuracy_table, cost_table
from harness.studies.variants.show import rivals_words, selection_table, variant_table


@dataclass(frozen=True)
class Section:
    """Figures and tables under a heading, with a closing sentence if there is one."""

    title: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    text: str = ""


@dataclass(frozen=True)
class Content:
    """All that a report says, in the order in which it says it."""

    title: str
    subtitle: str
    started: str
    warnings: tuple[str, ...]
    abstract: tuple[str, ...]
    findings: tuple[Finding, ...]
    closing: str
    verdicts: Table | None
    sections: tuple[Section, ...]
    command: str

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(figure for section in self.sections for figure in section.figures)

    def table(self, name: str) -> Table | None:
        """Return a table by its name, or nothing where the run has no such data."""
        tables = [table for section in self.sections for table in section.tables]
        return next((table for table in tables if table.name == name), None)


def compose(manifest: Manifest, records: Sequence[Record], judgement: Judgement) -> Content:
    """Turn what was seen and judged into text and the data of figures."""
    counted = tuple(latest(records).values())
    verdicts = verdict_table(manifest.claims, judgement)
    return cleaned(
        Content(
            title=_title(judgement),
            subtitle=f"Suite {manifest.suite.name}: {full_stop(manifest.suite.summary)}",
            started=_when(manifest.started),
            warnings=tuple(full_stop(capital(text)) for text in judgement.warnings),
            abstract=abstract(manifest, judgement),
            findings=findings(manifest, judgement),
            closing=checks_and_noise(judgement),
            verdicts=verdicts,
            sections=_sections(manifest, counted, judgement),
            command=manifest.command,
        )
    )


def _title(judgement: Judgement) -> str:
    measures = [verdict.measure for judged in judgement.pairs for verdict in judged.verdicts]
    if not measures:
        return "Meta-learners measured side by side"
    what = "gains in quality" if all(map(is_gain, measures)) else "speed-ups"
    return f"Published {what} of meta-learning, measured again"


def _sections(
    manifest: Manifest, records: Sequence[Record], judgement: Judgement
) -> tuple[Section, ...]:
    figures = describe_figures(manifest, records, judgement)

    def section(title: str, *parts: Table | None, of: str = "", text: str = "") -> Section:
        mine = tuple(figure for figure in figures if figure.name.split("-")[0] in of.split())
        return Section(title, mine, tuple(part for part in parts if part is not None), text)

    found = (
        section(
            "Speed and memory",
            pair_table(judgement),
            cost_table(judgement, records),
            growth_table(figures),
            of="speedups rounds memory sizes growth profile",
        ),
        section(
            "Distribution over ranks",
            ranks_table(judgement, records),
            scaling_table(judgement),
            prediction_table(judgement),
            of="scaling",
        ),
        section(
            "Accuracy",
            parts_table(judgement),
            accuracy_table(judgement, records),
            quality_table(judgement),
            target_table(judgement),
            of="curves targets",
        ),
        section(
            "Variants",
            selection_table(judgement),
            variant_table(judgement),
            of="variants",
            text=rivals_words(judgement),
        ),
        section("Gradients", distance_table(judgement)),
        section(
            "Noise, and what is missing",
            noise_table(judgement),
            failure_table(judgement),
            text=own_cost(judgement),
        ),
        section(
            "How it was measured",
            member_table(manifest, records),
            protocol_table(manifest),
            machine_table(manifest, records),
        ),
    )
    return tuple(part for part in found if part.figures or part.tables or part.text)


def _when(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
