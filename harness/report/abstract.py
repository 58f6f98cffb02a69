"""The first page in words: what was done, and the verdicts with their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.declare.suite import with_settings, workload_words
from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.judge.statistics import aa_holds, noise_floor
from harness.records.manifest import Manifest
from harness.report.run_tables import machine_words
from harness.report.table import Cell
from harness.report.units import count, percent, ratio
from harness.report.verdict_table import (
    MEANINGS,
    measured_cell,
    no_figures,
    published_cell,
    tone_of,
    verdict_reason,
)
from harness.report.words import full_stop, listed, measure_name, span, team_words

# An abstract is read in one breath; the table of claims holds every verdict.
MOST_VERDICTS = 6

_RANKS = {word: rank for rank, word in enumerate(MEANINGS)}

_SHOWN_RATIO = ("met", "consistent", "smaller", "none", "reversed", "inconclusive")


@dataclass(frozen=True)
class Finding:
    """A published claim and what became of each of its readings."""

    claim: str
    paper: str
    lines: tuple[Cell, ...]


def abstract(manifest: Manifest, judgement: Judgement) -> tuple[str, ...]:
    """Return the paragraphs of the abstract."""
    verdicts = [(judged, verdict) for judged in judgement.pairs for verdict in judged.verdicts]
    paragraphs = [_opening(manifest, judgement)]
    if verdicts:
        paragraphs.append(_tally(verdicts))
    else:
        paragraphs.append("This run judges no published claim.")
    return tuple(paragraphs)


def findings(manifest: Manifest, judgement: Judgement) -> tuple[Finding, ...]:
    """Return the verdicts in words, claim by claim, as many as an abstract can hold."""
    claims = {claim.name: claim for claim in manifest.claims}
    ranked = sorted(
        ((judged, verdict) for judged in judgement.pairs for verdict in judged.verdicts),
        key=lambda item: _RANKS.get(item[1].word, len(_RANKS)),
    )
    lines: dict[str, list[Cell]] = {}
    for judged, verdict in ranked[:MOST_VERDICTS]:
        cell = Cell(verdict.word, _finding_words(judged, verdict), tone_of(verdict.word))
        lines.setdefault(verdict.claim, []).append(cell)
    return tuple(
        Finding(
            claims[name].sentence if name in claims else name,
            claims[name].paper if name in claims else "",
            tuple(cells),
        )
        for name, cells in lines.items()
    )


def checks_and_noise(judgement: Judgement) -> str:
    """Say how many gradient checks hold, how large the noise is and what was not measured."""
    debts = {
        (debt.learner, debt.equivalence, debt.passed): debt
        for judged in judgement.pairs
        for debt in judged.debts
        # A pair that asks for no check may have a member that another one had checked.
        if "check" in judged.pair.passes or debt.passed is not None
    }
    parts = []
    if debts:
        paid = sum(debt.passed is True for debt in debts.values())
        parts.append(
            f"{paid} of {count(len(debts), 'gradient check')} hold"
            + ("." if paid == len(debts) else "; the other pairs show no speed-up.")
        )
    if own := [twins for twins in judgement.twins if twins.own]:
        covering = sum(aa_holds(twins.wide) for twins in own)
        floors = sorted(noise_floor(twins.interval) for twins in own)
        parts.append(
            f"{covering} of {count(len(own), 'baseline')} timed beside a twin of its own "
            f"{'covers' if covering == 1 else 'cover'} 1.00; noise floors are from "
            f"{percent(floors[0])} to {percent(floors[-1])}."
        )
    elif judgement.noise_floor is not None:
        holds = "covers 1.00" if judgement.aa_ok else "misses 1.00"
        parts.append(
            f"The interval of a baseline against itself {holds}; the noise floor is "
            f"{percent(judgement.noise_floor)}."
        )
    unmeasured = [
        judged.pair.name for judged in judgement.pairs if judged.failures and not judged.ratios
    ]
    if unmeasured:
        parts.append(f"Not measured: {listed(unmeasured)}.")
    return " ".join(parts)


def own_cost(judgement: Judgement) -> str:
    """Say how much of the run's time was measuring and how much the harness itself."""
    share = judgement.measured_share
    if share is None:
        return "The cost of the harness itself is unknown: no block has a wall time."
    minutes = judgement.wall_s / 60
    time = f"{minutes:.1f} min" if minutes >= 2 else f"{judgement.wall_s:.0f} s"
    return (
        f"The harness itself: {percent(1 - share)} of {time} of block time went to start-up, "
        "warm-up, checks, counts and training, outside measured intervals."
    )


def _opening(manifest: Manifest, judgement: Judgement) -> str:
    workloads = listed(list(dict.fromkeys(workload_words(j.pair) for j in judgement.pairs)))
    data = list(dict.fromkeys(judged.data for judged in judgement.pairs if judged.data))
    several = any(judged.pair.ranks > 1 for judged in judgement.pairs)
    alone = f"a fresh process with {count(manifest.threads, 'thread')}"
    processes = "fresh processes, one or several," if several else alone
    made = f" The tasks come from {listed(data)}." if data else ""
    return (
        f"{count(len(judgement.pairs), 'pair')} of meta-learners "
        f"{'was' if len(judgement.pairs) == 1 else 'were'} compared on {workloads or 'nothing'}, "
        f"in {count(manifest.rounds, 'interleaved round')} for each of "
        f"{count(len(manifest.seeds), 'seed')}, every block in {processes} on "
        f"{manifest.device} "
        f"({machine_words(manifest.probes)}).{made}"
    )


def _tally(verdicts: Sequence[tuple[PairJudgement, Verdict]]) -> str:
    words = Counter(verdict.word for _, verdict in verdicts)
    claims = len({verdict.claim for _, verdict in verdicts})
    parts = [
        f"{words[word]} {word}"
        for word in (*MEANINGS, *sorted(set(words) - set(MEANINGS)))
        if words[word]
    ]
    rest = len(verdicts) - MOST_VERDICTS
    return (
        f"Of {count(len(verdicts), 'verdict')} on {count(claims, 'published claim')}: "
        f"{listed(parts)}." + (f" {MOST_VERDICTS} of them follow." if rest > 0 else "")
    )


def _finding_words(judged: PairJudgement, verdict: Verdict) -> str:
    method = with_settings(verdict.method, dict(judged.pair.method_settings))
    baseline = with_settings(judged.pair.baseline, dict(judged.pair.baseline_settings))
    head = (
        f"{full_stop(verdict.text)[:-1]}, by {method}{team_words(judged.pair)} against {baseline}"
    )
    shown = verdict.ratio is not None and no_figures(verdict, judged) is None
    if verdict.ratio is not None and shown and verdict.word in _SHOWN_RATIO:
        about = [span(verdict.measure, verdict.ratio)]
        if verdict.own_ratio is not None:
            about.append(f"pattern's part {ratio(verdict.own_ratio.estimate)}")
        told = "; ".join(filter(None, about))
        published = published_cell(verdict)
        return (
            f"{head} on {workload_words(judged.pair)}. Measured "
            f"{measured_cell(verdict, judged).text} in "
            f"{measure_name(verdict.measure)}{f' ({told})' if told else ''}, "
            f"{published.note or f'published {published.text}'}."
        )
    return f"{head}. {verdict_reason(verdict, judged)}"
