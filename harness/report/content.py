"""The content of a report: ready-to-set text, the same for paper, page and terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.abstract import abstract, own_cost, warnings
from harness.report.captions import Figure, describe_figures
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
from harness.report.words import cleaned, sentence


@dataclass(frozen=True)
class Content:
    """All that a report says, in the order in which it says it."""

    title: str
    subtitle: str
    started: str
    warnings: tuple[str, ...]
    abstract: tuple[str, ...]
    verdicts: Table | None
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    own_cost: str
    command: str

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)


def compose(manifest: Manifest, records: Sequence[Record], judgement: Judgement) -> Content:
    """Turn what was seen and judged into text and the data of figures."""
    latest = tuple({record.block: record for record in records}.values())
    verdicts = verdict_table(manifest.claims, judgement)
    tables = (
        pair_table(judgement),
        quality_table(judgement),
        target_table(judgement),
        noise_table(judgement),
        failure_table(judgement),
        member_table(manifest, latest),
        protocol_table(manifest),
        machine_table(manifest, latest),
    )
    return cleaned(
        Content(
            title="Published speed-ups of meta-learning, measured again"
            if verdicts
            else "Meta-learners measured side by side",
            subtitle=f"Suite {manifest.suite.name}: {sentence(manifest.suite.summary)}",
            started=_when(manifest.started),
            warnings=warnings(manifest, judgement),
            abstract=abstract(manifest, judgement),
            verdicts=verdicts,
            figures=describe_figures(manifest, latest, judgement),
            tables=tuple(table for table in tables if table is not None),
            own_cost=own_cost(judgement),
            command=manifest.command,
        )
    )


def _when(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
