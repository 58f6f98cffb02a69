"""The first page in words: warnings, and the verdicts with their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.records.manifest import Manifest
from harness.report.gradient import withheld
from harness.report.run_tables import machine_words
from harness.report.units import count, percent, ratio, ratio_interval
from harness.report.verdict_table import MEANINGS, verdict_reason
from harness.report.words import listed, measure_name, sentence, workload_words

# An abstract is read in one breath; the table of claims holds every verdict.
MOST_VERDICTS = 5

_SHOWN_RATIO = ("met", "consistent", "smaller", "none", "reversed", "inconclusive")


def warnings(manifest: Manifest, judgement: Judgement) -> tuple[str, ...]:
    """Return what a reader must know before any figure."""
    found = [sentence(text) for text in judgement.warnings]
    said = " ".join(found)
    if not manifest.suite.verdicts and "not judged" not in said:
        found.append(
            f"Speed is not judged by this suite: the protocol of {manifest.suite.name} is too "
            "short for that. Its ratios show that the plumbing works and no more."
        )
    if judgement.aa_ok is False and "A/A" not in said:
        found.append(
            "The A/A pair failed: a baseline against itself did not come out at 1.00, so every "
            "verdict is inconclusive."
        )
    if manifest.suite.verdicts and judgement.aa_ok is None and "A/A" not in said:
        found.append("No A/A pair gave an interval, so the noise of this machine is unknown.")
    missing = sum(judged.missing_blocks for judged in judgement.pairs)
    if missing and "not in the records" not in said:
        found.append(
            f"{count(missing, 'planned block')} {'is' if missing == 1 else 'are'} not in the "
            "records: the run is unfinished, and so is this report."
        )
    return tuple(found)


def abstract(manifest: Manifest, judgement: Judgement) -> tuple[str, ...]:
    """Return the paragraphs of the abstract."""
    verdicts = [(judged, verdict) for judged in judgement.pairs for verdict in judged.verdicts]
    paragraphs = [_opening(manifest, judgement)]
    if verdicts:
        paragraphs.append(_tally(verdicts))
        sentences = {claim.name: claim.sentence for claim in manifest.claims}
        ranked = sorted(verdicts, key=lambda item: list(MEANINGS).index(item[1].word))
        paragraphs += [
            _verdict_sentence(sentences.get(verdict.claim, verdict.claim), judged, verdict)
            for judged, verdict in ranked[:MOST_VERDICTS]
        ]
    else:
        paragraphs.append("No published claim is tested here.")
    paragraphs.append(_checks_and_noise(judgement))
    return tuple(text for text in paragraphs if text)


def own_cost(judgement: Judgement) -> str:
    """Say how much of the run's time was measuring and how much the harness itself."""
    share = judgement.measured_share
    if share is None:
        return "The harness's own cost is unknown: no block has a wall time."
    minutes = judgement.wall_s / 60
    time = f"{minutes:.1f} min" if minutes >= 2 else f"{judgement.wall_s:.0f} s"
    return (
        f"The harness's own cost: {percent(1 - share)} of {time} of block time lay outside "
        "measured intervals (starting, warming up, checking, counting and training)."
    )


def _opening(manifest: Manifest, judgement: Judgement) -> str:
    workloads = listed(list(dict.fromkeys(workload_words(j.pair) for j in judgement.pairs)))
    data = list(dict.fromkeys(judged.data for judged in judgement.pairs if judged.data))
    made = f" Tasks are made of {listed(data)}." if data else ""
    return (
        f"{count(len(judgement.pairs), 'pair')} of meta-learners "
        f"{'was' if len(judgement.pairs) == 1 else 'were'} compared on {workloads or 'nothing'}, in "
        f"{count(manifest.rounds, 'interleaved round')} for each of "
        f"{count(len(manifest.seeds), 'seed')}, every block in a fresh process with "
        f"{count(manifest.threads, 'thread')} on {manifest.device} "
        f"({machine_words(manifest.probes)}).{made}"
    )


def _tally(verdicts: Sequence[tuple[PairJudgement, Verdict]]) -> str:
    words = Counter(verdict.word for _, verdict in verdicts)
    claims = len({verdict.claim for _, verdict in verdicts})
    parts = [f"{words[word]} {word}" for word in (*MEANINGS, *sorted(set(words) - set(MEANINGS)))
             if words[word]]  # fmt: skip
    rest = len(verdicts) - MOST_VERDICTS
    return (
        f"Of {count(len(verdicts), 'verdict')} on {count(claims, 'published claim')}: "
        f"{listed(parts)}." + (f" The first {MOST_VERDICTS}:" if rest > 0 else "")
    )


def _verdict_sentence(claimed: str, judged: PairJudgement, verdict: Verdict) -> str:
    head = f"“{claimed.rstrip('.')}”, {verdict.text}: {verdict.word}."
    shown = verdict.ratio is not None and withheld(judged) is None
    if shown and verdict.word in _SHOWN_RATIO:
        return (
            f"{head} Measured {ratio_interval(verdict.ratio)} in {measure_name(verdict.measure)}, "
            f"published {ratio(verdict.published)} (pair {judged.pair.name})."
        )
    return f"{head} {verdict_reason(verdict, judged)}"


def _checks_and_noise(judgement: Judgement) -> str:
    debts = {(d.learner, d.equivalence, d.passed): d for j in judgement.pairs for d in j.debts}
    parts = []
    if debts:
        paid = sum(debt.passed is True for debt in debts.values())
        parts.append(
            f"{paid} of {count(len(debts), 'gradient check')} hold"
            + ("." if paid == len(debts) else "; pairs without one show no speed-up.")
        )
    if judgement.noise_floor is not None:
        holds = "covers 1.00" if judgement.aa_ok else "does not hold"
        parts.append(
            f"A baseline against itself {holds}; the noise floor is "
            f"{percent(judgement.noise_floor)}."
        )
    unmeasured = [
        judged.pair.name for judged in judgement.pairs if judged.failures and not judged.ratios
    ]
    if unmeasured:
        parts.append(f"Not measured: {listed(unmeasured)}.")
    return " ".join(parts)
