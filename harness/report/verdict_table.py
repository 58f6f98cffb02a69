"""The table of claims: what was published, what was measured, and the word that follows."""

from __future__ import annotations

from harness.declare.claims import Claim
from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.judge.statistics import PairedInterval
from harness.report.gradient import pair_cell, withheld
from harness.report.table import Cell, Column, Table, Tone, simple_table
from harness.report.units import count, ratio, ratio_interval, with_bounds
from harness.report.words import measure_name, sentence, with_settings, workload_words

TONES: dict[str, Tone] = {
    "met": "good",
    "consistent": "good",
    "smaller": "mixed",
    "none": "bad",
    "reversed": "bad",
    "invalid": "bad",
}

MEANINGS = {
    "met": "the whole interval lies at or above the published value",
    "consistent": "real, and the interval holds the published value",
    "smaller": "real, but less than published",
    "none": "no gain beyond the noise floor was shown, and the published one is excluded",
    "reversed": "the method is worse than its baseline",
    "inconclusive": "the interval holds both no effect and the published one, or the noise is "
    "unknown or too large, or there were too few rounds",
    "not testable here": "this machine lacks what the claim needs",
    "invalid": "the gradient check or the accuracy condition failed",
}

COLUMNS = (
    Column("Claim", 2.5),
    Column("Read as", 1.9),
    Column("Published", 0.95, numeric=True),
    Column("Measured [95 %]", 1.7, numeric=True),
    Column("Gradient", 1.7),
    Column("Accuracy", 1.7),
    Column("Verdict", 2.0),
)


def verdict_table(claims: tuple[Claim, ...], judgement: Judgement) -> Table | None:
    """Return one row for every reading of every claim, or nothing where no claim is tested."""
    by_name = {claim.name: claim for claim in claims}
    rows = [
        _row(by_name.get(verdict.claim), verdict, judged)
        for judged in judgement.pairs
        for verdict in judged.verdicts
    ]
    words = {verdict.word for judged in judgement.pairs for verdict in judged.verdicts}
    legend = "; ".join(f"{word}: {text}" for word, text in MEANINGS.items() if word in words)
    return simple_table(
        "verdicts",
        "Claims",
        "Published claims and what was measured here. A ratio is baseline over method, so above 1 "
        f"the method is better; brackets hold the 95 % interval. Verdicts: {legend}.",
        COLUMNS,
        rows,
        wide=True,
    )


def measured_cell(verdict: Verdict, judged: PairJudgement) -> Cell:
    """Write the measured ratio, or why none is shown."""
    reason = withheld(judged)
    if reason is not None:
        return Cell("no speed-up shown", reason)
    if verdict.ratio is None:
        return Cell("not measured", measure_name(verdict.measure))
    rounds = count(verdict.ratio.n, "round")
    if isinstance(verdict.ratio, PairedInterval) and verdict.ratio.dropped:
        rounds += f", {verdict.ratio.dropped} without a partner left out"
    return Cell(
        ratio_interval(verdict.ratio), f"{measure_name(verdict.measure)}, {rounds}"
    )


def verdict_reason(verdict: Verdict, judged: PairJudgement) -> str:
    """Return why the verdict is what it is, without the figures of a pair that may show none."""
    reason = withheld(judged)
    if reason is None or verdict.word == "not testable here":
        return sentence(verdict.reason)
    return sentence(reason)


def _row(claim: Claim | None, verdict: Verdict, judged: PairJudgement) -> tuple[Cell, ...]:
    source = f"{claim.paper}. " if claim else ""
    method = with_settings(verdict.method, dict(judged.pair.method_settings))
    trust = "" if verdict.trust == "stated" else f"; {verdict.trust} trust"
    return (
        Cell(
            claim.sentence if claim else verdict.claim,
            f"{source}Pair {judged.pair.name}: {method} against {judged.pair.baseline} "
            f"on {workload_words(judged.pair)}",
        ),
        Cell(verdict.text, f"algorithm {verdict.algorithm}{trust}"),
        Cell(ratio(verdict.published)),
        measured_cell(verdict, judged),
        pair_cell(judged),
        _accuracy(judged),
        Cell(verdict.word, verdict_reason(verdict, judged), TONES.get(verdict.word, "open")),
    )


def _accuracy(judged: PairJudgement) -> Cell:
    quality = judged.quality
    if quality is None:
        return Cell("not measured", tone="open")
    words = {True: "not worse", False: "worse", None: "undecided"}[quality.not_worse]
    tones: dict[bool | None, Tone] = {True: "good", False: "bad", None: "open"}
    if quality.inherited:
        figures = f"{quality.metric} {with_bounds(quality.over_tasks)}, inherited"
    else:
        figures = (
            f"{quality.metric} {with_bounds(quality.method_over_tasks)}"
            f" against {with_bounds(quality.over_tasks)}"
        )
    return Cell(words, figures, tones[quality.not_worse])
