"""The table of claims: what was published, what was measured, and the word that follows."""

from __future__ import annotations

from harness.declare.claims import Claim
from harness.declare.pair import with_settings, workload_words
from harness.declare.point import words_of
from harness.judge.judgement import Judgement, PairJudgement, Quality, Verdict
from harness.judge.ratios import is_gain
from harness.judge.statistics import Interval
from harness.judge.verdicts import Word
from harness.report.tables.gradient_tables import no_ratio, pair_cell, withheld
from harness.report.tables.table import Cell, Column, Group, Table, Tone, grouped_table
from harness.report.units import UNKNOWN, count, ratio, ratio_interval, significant, with_bounds
from harness.report.words import basis, full_stop, listed, measure_name, span, team_words

TONES: dict[Word, Tone] = {
    Word.MET: "good",
    Word.CONSISTENT: "good",
    Word.SMALLER: "mixed",
    Word.NONE: "bad",
    Word.REVERSED: "bad",
    Word.INCONCLUSIVE: "open",
    Word.NOT_MEASURED: "open",
    Word.NOT_TESTABLE: "open",
    Word.INVALID: "bad",
}

MEANINGS: dict[Word, str] = {
    Word.MET: "the whole interval lies at or above the published value",
    Word.CONSISTENT: "a real gain, and the interval contains the published value",
    Word.SMALLER: "a real gain, but less than published",
    Word.NONE: "no gain beyond the noise floor, and the interval excludes the published value",
    Word.REVERSED: "the method is worse than its baseline",
    Word.INCONCLUSIVE: "the interval contains both no effect and the published value, the noise is "
    "unknown or too large, or there were too few rounds",
    Word.NOT_MEASURED: "the suite does not measure the quantity that the claim is about",
    Word.NOT_TESTABLE: "something that the claim needs is missing here",
    Word.INVALID: "the gradient check or the accuracy condition failed, or the baseline does not "
    "match its published accuracy",
}
UNTESTED = frozenset({Word.NOT_MEASURED, Word.NOT_TESTABLE})

ORIGINS = {
    "known": "known algorithm",
    "reconstructed": "reconstructed algorithm",
    "rival": "a rival's algorithm",
}

TRUST = {
    "low": ", a doubtful reading",
    "ours": ", our own threshold, since the paper gives none",
}

COLUMNS = (
    Column("Read as", 2.0),
    Column("Published", 1.0, numeric=True),
    Column("Measured [95 %]", 1.9, numeric=True),
    Column("Gradient", 1.9),
    Column("Accuracy", 1.9),
    Column("Verdict", 2.4),
)


def verdict_table(claims: tuple[Claim, ...], judgement: Judgement) -> Table | None:
    """Return one row for every reading of every claim, or nothing where no claim is tested.

    Claims stand in their own order; of each, the paper's own method comes before rivals.
    """
    known = list(dict.fromkeys(claim.name for claim in claims))
    by_name = {claim.name: claim for claim in claims}
    held = [
        (known.index(name) if name in known else len(known), judged.pair.rival, name, judged)
        for judged in judgement.pairs
        for name in dict.fromkeys(verdict.claim for verdict in judged.verdicts)
    ]
    groups = [
        _group(by_name.get(name), [v for v in judged.verdicts if v.claim == name], judged)
        for _, _, name, judged in sorted(held, key=lambda each: each[:2])
    ]
    words = {verdict.word for judged in judgement.pairs for verdict in judged.verdicts}
    legend = "; ".join(f"{word}: {text}" for word, text in MEANINGS.items() if word in words)
    return grouped_table(
        "verdicts",
        "Claims",
        "Published claims and what was measured here. A ratio is baseline over method: above 1 the "
        f"method is better. {_gains(judgement)}Brackets hold the 95 % interval."
        f"{_parts(judgement)} Verdicts: "
        f"{legend}.",
        COLUMNS,
        groups,
        wide=True,
    )


def _gains(judgement: Judgement) -> str:
    """Say what a gain in quality is, where a row has one."""
    if not any(is_gain(v.measure) for judged in judgement.pairs for v in judged.verdicts):
        return ""
    return "A gain in quality is a difference: above 0 the method is better. "


def _parts(judgement: Judgement) -> str:
    """Say what the method's own part is, where a row has one."""
    if not any(v.own_ratio for judged in judgement.pairs for v in judged.verdicts):
        return ""
    return (
        " The method's own part of a ratio is the time of the method's own full variant over that "
        "of the chosen one; the rest comes from the implementation. The verdict is the weaker of "
        "both."
    )


def tone_of(word: Word) -> Tone:
    return TONES[word]


def no_figures(verdict: Verdict, judged: PairJudgement) -> Cell | None:
    """Return what stands where the verdict's figures would, or None where they may be printed.

    Quality gained needs no timed pass, so it is held to the gradient checks alone. A study may
    answer a claim with a ratio that does not stand among the pair's.
    """
    reason = withheld(judged)
    if is_gain(verdict.measure):
        return None if reason is None else Cell("no gain shown", reason, "bad")
    return None if reason is None and verdict.ratio is not None else no_ratio(judged)


def measured_cell(verdict: Verdict, judged: PairJudgement) -> Cell:
    """Write the measured ratio, or why none is shown."""
    if verdict.word in UNTESTED:
        return Cell(UNKNOWN, measure_name(verdict.measure))
    instead = no_figures(verdict, judged)
    if instead is not None:
        return instead
    if verdict.ratio is None:
        found = judged.ratio(verdict.measure, verdict.point)
        why = found.reason if found else None
        return Cell("not measured", why or measure_name(verdict.measure), "open")
    part = f"; own part {ratio_interval(verdict.own_ratio)}" if verdict.own_ratio else ""
    how = f"; derived: {verdict.derived}" if verdict.derived is not None else ""
    return Cell(
        with_bounds(verdict.ratio) if is_gain(verdict.measure) else ratio_interval(verdict.ratio),
        f"{measure_name(verdict.measure)}, {basis(verdict.measure, verdict.ratio)}{part}{how}",
        derived=verdict.derived is not None,
    )


def published_cell(verdict: Verdict) -> Cell:
    """Write the published figure, or what is asked for where none was published."""
    value = significant(verdict.published, 2) if is_gain(verdict.measure) else None
    value = value or ratio(verdict.published)
    return Cell("no figure", f"required: {value}") if verdict.trust == "ours" else Cell(value)


def verdict_reason(verdict: Verdict, judged: PairJudgement) -> str:
    """Return why the verdict is what it is, without the figures of a pair that may show none."""
    if verdict.word in UNTESTED:
        return full_stop(verdict.reason)
    instead = no_figures(verdict, judged)
    return full_stop(verdict.reason) if instead is None else instead.note


def _group(claim: Claim | None, verdicts: list[Verdict], judged: PairJudgement) -> Group:
    first = verdicts[0]
    method = with_settings(first.method, dict(judged.pair.method_settings))
    baseline = with_settings(judged.pair.baseline, dict(judged.pair.baseline_settings))
    rival = "; not the claim's own method, but a rival judged by the same figure"
    rival = rival if judged.pair.rival else ""
    told = listed(list(dict.fromkeys(filter(None, (v.conditions for v in verdicts)))))
    conditions = f", {told}" if told else ""
    source = f"{claim.paper}, {claim.source}. " if claim else ""
    return Group(
        tuple(_row(verdict, judged) for verdict in verdicts),
        claim.sentence if claim else first.claim,
        f"{source}Pair {judged.pair.name}: {method}{team_words(judged.pair)} against "
        f"{baseline} on {workload_words(judged.pair)}{conditions}{rival}."
        f"{_spans(verdicts, judged)}{_shares(verdicts, judged)}",
    )


def _spans(verdicts: list[Verdict], judged: PairJudgement) -> str:
    """Name the brackets that are no intervals; a terminal shows no note beside a number."""
    if no_ratio(judged) is not None:
        return ""
    found = [span(v.measure, v.ratio) for v in verdicts if v.ratio is not None]
    told = listed(list(dict.fromkeys(filter(None, found))))
    return f" Brackets hold the {told}, not an interval." if told else ""


def _shares(verdicts: list[Verdict], judged: PairJudgement) -> str:
    """Name the patterns' parts, for the same reason."""
    if no_ratio(judged) is not None:
        return ""
    found = [
        f"{ratio(verdict.own_ratio.estimate)} ({measure_name(verdict.measure)})"
        for verdict in verdicts
        if verdict.own_ratio is not None
    ]
    return f" The method's own part: {listed(found)}." if found else ""


def _row(verdict: Verdict, judged: PairJudgement) -> tuple[Cell, ...]:
    trust = TRUST.get(verdict.trust, "")
    at = f"at {words_of(verdict.point)}; " if verdict.point else ""
    return (
        Cell(verdict.text, f"{at}{ORIGINS.get(verdict.algorithm, verdict.algorithm)}{trust}"),
        published_cell(verdict),
        measured_cell(verdict, judged),
        pair_cell(judged),
        _accuracy(verdict.quality or judged.quality),
        Cell(verdict.word, verdict_reason(verdict, judged), tone_of(verdict.word)),
    )


def _accuracy(quality: Quality | None) -> Cell:
    if quality is None:
        return Cell("not measured", tone="open")
    words = {True: "not worse", False: "worse", None: "undecided"}[quality.not_worse]
    tones: dict[bool | None, Tone] = {True: "good", False: "bad", None: "open"}
    baseline = _mean(quality.baseline, quality.over_tasks)
    method = _mean(quality.method, quality.method_over_tasks)
    steps = f" after {count(quality.baseline_steps, 'step')}" if quality.baseline_steps else ""
    if quality.inherited:
        note = f"not measured: inherits the baseline's {quality.metric} {baseline}{steps}"
        return Cell(f"{words}, inherited", note, tones[quality.not_worse], derived=True)
    each = quality.method_steps
    if each is not None and each != quality.baseline_steps:
        steps = f" after {each} and {quality.baseline_steps or 'unknown'} steps"
    decides = f"; difference {with_bounds(quality.difference)}" if quality.difference else ""
    note = f"{quality.metric} {method} against {baseline}{steps}{decides}"
    return Cell(words, note, tones[quality.not_worse])


def _mean(mean: float | None, over_tasks: Interval | None) -> str:
    return significant(mean) if over_tasks is None else with_bounds(over_tasks)
