"""The content of a report: ready-to-set text, the same for paper, page and terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.declare.study import Study
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.report.abstract import (
    Finding,
    abstract,
    checks_and_noise,
    findings,
    own_cost,
)
from harness.report.convergence import convergence_table
from harness.report.curves import learning_curves
from harness.report.forest import speed_ups
from harness.report.gradient import distance_table
from harness.report.pair_tables import failure_table, noise_table, pair_table, quality_table
from harness.report.rounds import step_times
from harness.report.run_tables import machine_table, member_table, protocol_table
from harness.report.section import ACCURACY, SPEED, Part, Placed, Section, merge
from harness.report.table import Table
from harness.report.verdict_table import verdict_table
from harness.report.words import capital, cleaned, full_stop, is_gain


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
    def figures(self) -> tuple[Placed, ...]:
        return tuple(figure for section in self.sections for figure in section.figures)

    def table(self, name: str) -> Table | None:
        """Return a table by its name, or nothing where the run has no such data."""
        tables = [table for section in self.sections for table in section.tables]
        return next((table for table in tables if table.name == name), None)


def compose(evidence: Evidence, judgement: Judgement, studies: Sequence[Study]) -> Content:
    """Turn what was seen and judged into text and the data of figures.

    Of pairs whose results are withheld, nothing that was seen of them comes here.
    """
    shown = evidence.without_results_of(each.pair for each in judgement.pairs if each.withheld)
    manifest = evidence.manifest
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
            sections=merge(_parts(shown, judgement, studies)),
            command=manifest.command,
        )
    )


def _title(judgement: Judgement) -> str:
    measures = [verdict.measure for judged in judgement.pairs for verdict in judged.verdicts]
    if not measures:
        return "Meta-learners measured side by side"
    what = "gains in quality" if all(map(is_gain, measures)) else "speed-ups"
    return f"Published {what} of meta-learning, measured again"


def _parts(evidence: Evidence, judgement: Judgement, studies: Sequence[Study]) -> Iterator[Part]:
    """Yield what is said of every run, and what each study has to say of this one."""
    manifest: Manifest = evidence.manifest
    figures = (*speed_ups(judgement), *step_times(judgement, evidence))
    yield Part(SPEED, 10, figures, (pair_table(judgement),))
    curves = tuple(learning_curves(judgement, evidence))
    yield Part(ACCURACY, 32, curves, (quality_table(judgement), convergence_table(judgement)))
    yield Part("Gradients", 50, tables=(distance_table(judgement),))
    yield Part(
        "Noise and missing blocks",
        60,
        tables=(noise_table(judgement), failure_table(judgement, evidence.passes)),
        text=own_cost(judgement),
    )
    how = (
        member_table(evidence),
        protocol_table(manifest),
        machine_table(evidence),
    )
    yield Part("How it was measured", 70, tables=how)
    for study in studies:
        yield from study.parts(evidence, judgement)


def _when(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
