"""The content of a report: ready-to-set text, the same for paper, page and terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime

from harness.declare.study import Study
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.judge.ratios import is_gain
from harness.records.manifest import Manifest
from harness.report.abstract import abstract, checks_and_noise, own_cost
from harness.report.account import accounts
from harness.report.claims import ClaimLine, claim_lines, legend
from harness.report.figures.curves import learning_curves
from harness.report.figures.forest import speed_ups
from harness.report.figures.rounds import step_times
from harness.report.methods import commands, methods_table, sources_table, terms_table
from harness.report.section import ACCURACY, SPEED, Part, Placed, Section, merge
from harness.report.tables.convergence_table import convergence_table
from harness.report.tables.gradient_tables import distance_table
from harness.report.tables.pair_tables import failure_table, noise_table, pair_table, quality_table
from harness.report.tables.run_tables import machine_table, member_table, protocol_table
from harness.report.tables.table import Cell, Table
from harness.report.tables.threat_table import threat_table
from harness.report.tables.verdict_table import verdict_table
from harness.report.words import capital, cleaned, full_stop


@dataclass(frozen=True)
class Finding:
    """A change that a history shows, and what is known of it."""

    claim: str
    paper: str
    lines: tuple[Cell, ...]


@dataclass(frozen=True)
class Content:
    """All that a report says, in the order in which it says it."""

    title: str
    subtitle: str
    started: str
    warnings: tuple[str, ...]
    abstract: tuple[str, ...]
    sections: tuple[Section, ...]
    _: KW_ONLY
    claims: tuple[ClaimLine, ...] = ()  # of a run's own report alone, as is all below but findings
    legend: str = ""
    findings: tuple[Finding, ...] = ()
    closing: str = ""
    verdicts: Table | None = None
    threats: Table | None = None

    @property
    def lead(self) -> tuple[Table, ...]:
        """The tables that stand before all sections."""
        return tuple(table for table in (self.verdicts, self.threats) if table is not None)

    @property
    def figures(self) -> tuple[Placed, ...]:
        of_claims = (line.figure for line in self.claims)
        of_sections = (figure for section in self.sections for figure in section.figures)
        return (*(figure for figure in of_claims if figure is not None), *of_sections)

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
            claims=claim_lines(judgement, tuple(accounts(shown, judgement))),
            legend=legend(judgement) if judgement.claims else "",
            abstract=abstract(manifest, judgement),
            findings=(),
            closing=checks_and_noise(judgement),
            verdicts=verdicts,
            threats=threat_table(judgement),
            sections=merge(_parts(shown, judgement, studies)),
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
    yield Part(SPEED, 10, tuple(speed_ups(judgement)), (pair_table(judgement),))
    curves = tuple(learning_curves(judgement))
    yield Part(ACCURACY, 32, curves, (quality_table(judgement), convergence_table(judgement)))
    yield Part("Gradients", 50, tables=(distance_table(judgement),))
    yield Part(
        "Noise and missing blocks",
        60,
        tables=(noise_table(judgement), failure_table(judgement, evidence.passes)),
        text=own_cost(judgement),
    )
    told = methods_table(manifest, judgement, studies), terms_table(judgement, studies)
    yield Part("Methods", 55, tables=told)
    yield Part("The exact command", 85, commands=commands(manifest))
    yield Part("Sources", 80, tables=(sources_table(judgement),))
    how = (
        member_table(judgement),
        protocol_table(manifest, studies),
        machine_table(manifest, judgement.surroundings),
    )
    yield Part("How it was measured", 70, tables=how)
    yield Part("Appendix: the order of measuring", 90, tuple(step_times(judgement)))
    for study in studies:
        yield from study.parts(evidence, judgement)


def _when(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
