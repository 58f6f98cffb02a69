"""A gate's report for people: as plain aligned lines, and as Markdown for a pull request."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator

from harness.declare.measures import MEASURES
from harness.errors import ELSEWHERE, INCONCLUSIVE, MISMATCH, NOTHING, PASSED, REGRESSED
from harness.gate.findings import ACCURACY, Finding, GateReport, Revision, is_count
from harness.report.units import GAP, UNKNOWN, percent, quantity, significant, with_bounds
from harness.report.words import capital, clean, measure_name

HEADS = ("Subject", "Measure", "Base", "Head", "Head / base", "Finding")
GRAVE = ("mismatch", "regressed", "inconclusive")

ANSWERS = {
    PASSED: "Passed: nothing is worse.",
    REGRESSED: "Regressed.",
    INCONCLUSIVE: "Inconclusive: some questions are undecided.",
    NOTHING: "Nothing was compared, so nothing has passed.",
    ELSEWHERE: "Different environments: nothing was compared.",
    MISMATCH: "Mismatch: a gradient that was right at base is wrong at head.",
}


WIDTH = 100

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!~])")

# What hosts look for in the page, when no backslash is left: whom to notify, which issue to link,
# and what looks like an address.
_CALLS = re.compile(r"""[@#!~%$&](?=["'\w])|:(?=//)|(?<=www)(?=\.)|(?<=GH)(?=-)""", re.IGNORECASE)
_NOTHING = "\u200b"  # a space without width


def as_text(report: GateReport) -> str:
    """Return the table, the reasons, and the answer in the last lines."""
    rows = [HEADS, *(row(finding) for finding in report.findings)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(HEADS))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    ]
    if not report.findings:
        lines = []
    lines += [*(f"different environments, {line}" for line in report.environment), ""]
    for text in (*reasons(report), *closing(report)):
        lines += textwrap.wrap(
            text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    lines.append(ANSWERS[report.exit_code])
    return "\n".join(lines).replace(GAP, " ")


def as_markdown(report: GateReport) -> str:
    """Return the grave findings, and all others folded away."""
    grave = [finding for finding in report.findings if finding.word in GRAVE]
    rest = [finding for finding in report.findings if finding.word not in GRAVE]
    parts = [f"### Gate: {escaped(ANSWERS[report.exit_code])}", *_markdown_table(grave)]
    parts += [f"- {escaped(f'different environments, {line}')}" for line in report.environment]
    parts += [f"- {escaped(text)}" for text in reasons(report)]
    if rest:
        # A blank line after the tag lets the table be read as Markdown again.
        parts += [
            f"\n<details><summary>{len(rest)} other findings</summary>\n",
            *_markdown_table(rest),
            "\n</details>",
        ]
    parts += ["", *(escaped(text) + "  " for text in closing(report))]
    return "\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return the text so that neither Markdown nor HTML nor a host finds a mark in it."""
    silent = _CALLS.sub(lambda found: found[0] + _NOTHING, text)
    plain = _MARKS.sub(r"\\\1", html.escape(silent, quote=False))
    return plain.replace("|", "&#124;")  # a table ends its cells before it looks for backslashes


def row(finding: Finding) -> tuple[str, ...]:
    """Return one finding's cells."""
    return tuple(
        clean(cell)
        for cell in (
            finding.subject,
            measure_name(finding.measure),
            _value(finding, finding.base),
            _value(finding, finding.head),
            with_bounds(finding.ratio),
            finding.word,
        )
    )


def reasons(report: GateReport) -> Iterator[str]:
    """Give the reason for every finding that has one, the gravest first."""
    order = (*GRAVE, "improved", "new", "gone", "not compared")
    for word in order:
        for finding in report.findings:
            if finding.word == word and finding.reason:
                subject = f"{finding.subject}, {measure_name(finding.measure)}"
                yield clean(f"{capital(word)}: {subject}: {finding.reason}")


def closing(report: GateReport) -> Iterator[str]:
    """Say what the findings rest on, and what to do next."""
    timed = [finding for finding in report.findings if MEASURES.nature(finding.measure) == "clock"]
    if timed and report.limit_s is not None:  # a stored run took no turns, as its note tells
        rounds = [finding.rounds for finding in timed if finding.rounds is not None]
        floor = percent(report.noise_floor) if report.noise_floor is not None else "unknown"
        yield (
            "Times: base, head and base again took turns in fresh processes, "
            f"{_span(rounds)} rounds, with 95 % intervals. A slow-down counts if it exceeds "
            f"{percent(report.threshold)} and the noise floor of this job, {floor}. The floor is "
            "how far base seemed to differ from itself; it says nothing about head. At most "
            f"{percent(report.error_rate)} of gates report a slow-down that is not there."
        )
    if any(is_count(finding.measure) for finding in report.findings):
        yield "Counts repeat exactly, so any increase is a regression."
    took = f"{report.seconds:.0f} s"
    if report.limit_s is not None:
        took += f" (limit_s={report.limit_s:.0f})"
    yield f"{named(report.base)} against {named(report.head)}, in {took}."
    yield from (clean(note) for note in report.notes)
    yield from next_steps(report)


def next_steps(report: GateReport) -> Iterator[str]:
    """Name the command to use next."""
    words = "python -m harness gate base="
    if report.exit_code == REGRESSED:
        yield (
            "To find the commit: git bisect start --no-checkout BAD GOOD, then git bisect run "
            f"{words}GOOD head=BISECT_HEAD --bisect"
        )
    elif report.exit_code == MISMATCH:
        wrong = [finding.learner for finding in report.findings if finding.word == "mismatch"]
        for learner in dict.fromkeys(filter(None, wrong)):
            yield f"To see the smallest failing case: python -m harness check {clean(learner)}"
    elif report.exit_code == INCONCLUSIVE and report.limit_s is not None:
        yield (
            f"To decide the rest: use more time with limit_s={2 * report.limit_s:.0f}, a "
            "quieter machine, or a larger threshold="
        )
    elif report.exit_code == INCONCLUSIVE:
        yield "To decide the rest: compare with a revision by base=, which adds rounds."
    elif report.exit_code == NOTHING:
        yield "Check that the suite names learners that `python -m harness list` shows."


def named(revision: Revision) -> str:
    commit = revision.commit[:10] if revision.commit else "no commit"
    changes = " with uncommitted changes" if revision.dirty else ""
    title = f" {revision.title!r}" if revision.title else ""
    name = "" if revision.commit and revision.commit.startswith(revision.name) else revision.name
    return clean(f"{name} ({commit}){title}{changes}".strip())


def _value(finding: Finding, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if finding.unit is None:
        return significant(value)
    # A count that differs by one must be seen to differ.
    if is_count(finding.measure) and finding.base != finding.head:
        return f"{value:,.0f}"
    return significant(value) if finding.measure == ACCURACY else quantity(value, finding.unit)


def _span(rounds: list[int]) -> str:
    if not rounds:
        return "no"
    low, high = min(rounds), max(rounds)
    return str(low) if low == high else f"{low} to {high}"


def _markdown_table(findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    rows = [HEADS, ("---",) * len(HEADS)]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    for finding in findings:
        lines.append(f"| {' | '.join(map(escaped, row(finding)))} |")
    return ["", *lines, ""]
