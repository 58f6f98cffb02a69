"""How a run's figures were made: estimators and intervals by name, codes, sources, and commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.declare.protocol import Protocol
from harness.declare.study import Study
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.noise.pair_noise import AA_CONFIDENCE
from harness.judge.statistics import MIN_ROUNDS, MIN_SEEDS, RESAMPLES, Bounds, Interval
from harness.records.manifest import Manifest
from harness.report.tables.table import Cell, Column, Table, simple_table
from harness.report.units import percent, quantity
from harness.report.words import capital

HOW = {
    Bounds.BCA: f"bias-corrected and accelerated bootstrap of the median, {RESAMPLES} resamples of "
    "the rounds with a seed of their own, at 95 %",
    Bounds.RANKS: "the signed-rank test over rounds, at 95 %. The estimate is that of Hodges and "
    "Lehmann: the median of the means of all pairs of rounds. The error is divided among all "
    "interim looks at which rounds might have ended, so the interval is valid whichever look ended "
    "them",
    Bounds.PERCENTILE: f"percentile bootstrap of the median, {RESAMPLES} resamples of the rounds: "
    "the values leave BCa's acceleration undefined",
    Bounds.MAJORITIES: f"percentile bootstrap over seeds, {RESAMPLES} resamples at 95 %: what most "
    "seeds of each draw reach",
    Bounds.SEEDS_AND_ROUNDS: f"percentile bootstrap of the median, {RESAMPLES} resamples at 95 %, "
    "over seeds and apart from them over the rounds of step times",
    Bounds.SPAN: f"the least and the most of fewer than {MIN_ROUNDS} values; no confidence is "
    "claimed",
    Bounds.COUNTED: "counts repeat exactly, so there is nothing to estimate",
    Bounds.INHERITED: "taken from the baseline, whose training was shown equal",
    Bounds.OVER_TASKS: "Student's t over test tasks, at 95 %: would other tasks give the same mean "
    "for these trained models?",
    Bounds.OVER_SEEDS: "Student's t over seeds: would other seeds, that is models trained anew, "
    "give the same mean?",
    Bounds.OVER_ONE_SEED: "Student's t over the tasks of one seed: it holds only for this "
    "pair of trained models",
    Bounds.OVER_BOTH: "Student's t over seeds, widened for the effect of the test tasks that all "
    "seeds share, with Satterthwaite's degrees of freedom",
}

INSTALL = (
    "python3 -m venv .venv && .venv/bin/pip install tox",
    ".venv/bin/tox run -e dev && . .tox/dev/bin/activate",
)


def methods_table(
    manifest: Manifest, judgement: Judgement, studies: Sequence[Study]
) -> Table | None:
    """Return how the run's figures were estimated, without what it did not use."""
    return simple_table(
        "methods",
        "Methods",
        "How figures were estimated and verdicts reached. For one verdict with all its rounds and "
        "records, run: python -m harness explain RUN PAIR MEASURE.",
        (Column("What", 1.0), Column("How", 2.6)),
        [(Cell(what), Cell(how)) for what, how in _methods(manifest, judgement, studies)],
    )


def terms_table(judgement: Judgement, studies: Sequence[Study]) -> Table | None:
    """Return the codes that stand for something, and what that is."""
    found = {code: means for each in studies for code, means in each.terms(judgement)}
    return simple_table(
        "terms",
        "Codes",
        "What the coded names mean.",
        (Column("Code", 1.0), Column("Meaning", 2.6)),
        [(Cell(code), Cell(means)) for code, means in found.items()],
    )


def sources_table(judgement: Judgement) -> Table | None:
    """Return the papers, each with its address and what of it was quoted."""
    papers: dict[tuple[str, str, str], list[str]] = {}
    for outcome in judgement.claims:
        claim = outcome.claim
        key = claim.paper, claim.source, claim.link
        quoted = f"\u201c{claim.quote}\u201d" if claim.quote else claim.sentence
        if quoted not in papers.setdefault(key, []):
            papers[key].append(quoted)
    return simple_table(
        "sources",
        "Sources",
        "The papers whose claims were tested, and the sentences quoted for them.",
        (Column("Paper", 1.6), Column("Claimed", 2.0)),
        [
            (Cell(paper, source, link=link), Cell("; ".join(quotes)))
            for (paper, source, link), quotes in papers.items()
        ],
    )


def commands(manifest: Manifest) -> tuple[str, ...]:
    """Return the commands that repeat the run, from the commit to the last word."""
    commit = manifest.probes.get("git_commit")
    checkout = (f"git checkout {commit}",) if isinstance(commit, str) else ()
    return (*checkout, *INSTALL, manifest.command)


def _methods(
    manifest: Manifest, judgement: Judgement, studies: Sequence[Study]
) -> Iterator[tuple[str, str]]:
    protocol = manifest.suite.protocol
    intervals = list(_intervals(judgement))
    if any(each.interval for judged in judgement.pairs for each in judged.ratios):
        rounds = judgement.rounds
        yield "Ratio", _ratio(in_turns=rounds is not None and rounds.in_turns)
        if rounds is not None:
            yield _timing(protocol, in_turns=rounds.in_turns)
    if judgement.same_blocks:
        yield (
            "Blocks that pairs share",
            f"{judgement.same_blocks} blocks have the learner, settings and seed of another pair's "
            "block and reuse its result: counts without noise, and trainings, are not measured "
            "twice. In records.jsonl same_as names that block",
        )
    for how in HOW:
        if any(each.method == how for each in intervals):
            yield capital(how), HOW[how]
    if judgement.twins:
        yield (
            "Noise floor",
            f"how far from 1 the interval of a baseline against itself reaches; its interval at "
            f"{percent(AA_CONFIDENCE)} must cover 1.00, or no verdict on time is given",
        )
    if any(judged.checks for judged in judgement.pairs):
        yield (
            "Gradient check",
            f"each learner's meta-gradient on {protocol.check_examples} random problems, in "
            "float64, against the equivalence that it declares; a pair whose check fails shows no "
            "figures",
        )
    if any(judged.quality is not None for judged in judgement.pairs):
        yield (
            "Accuracy condition",
            "paired non-inferiority: the lower bound of the method's mean gain over seeds, "
            "one-sided at 95 %, must lie above minus the margin that the claim allows",
        )
    if judgement.claims:
        yield (
            "Verdict",
            "decided by the interval, the published value and the noise floor, with at least "
            f"{MIN_ROUNDS} rounds (for quality: {MIN_SEEDS} seeds); each verdict names "
            "the rule that applied",
        )
    for each in studies:
        yield from each.methods(judgement)


def _ratio(*, in_turns: bool) -> str:
    paired = "baseline over method, of blocks paired by pair, seed and round"
    if in_turns:
        return (
            f"{paired}. A round's ratio of times is the median over its turns of the ratio of "
            "neighbouring turns; of counts, bytes and steps it is that of their medians"
        )
    return f"{paired}; the estimate is the median over rounds (over seeds, of steps to a target)"


def _timing(protocol: Protocol, *, in_turns: bool) -> tuple[str, str]:
    warm = f"a warm-up until its halves agree, at most {quantity(protocol.warmup_s, 's')}"
    least = f"{protocol.intervals} of at least {quantity(protocol.interval_s, 's')}"
    if not in_turns:
        return (
            "Block",
            f"one member in a fresh process: {warm}, then intervals, {least}; the median interval "
            "counts",
        )
    return (
        "Round",
        "baseline, method and the baseline's twin in fresh processes, which warm up one after "
        f"another ({warm}) and then take turns at their steps, {least} each, in an order drawn "
        "anew each time. The first step after a change of turn is not counted, nor are seconds "
        "in which other programs had the core",
    )


def _intervals(judgement: Judgement) -> Iterator[Interval]:
    for judged in judgement.pairs:
        yield from _intervals_of(judged)


def _intervals_of(judged: PairJudgement) -> Iterator[Interval]:
    found = [ratio.interval for ratio in (*judged.ratios, *judged.gains)]
    found += [verdict.ratio for verdict in judged.verdicts]
    for quality in (judged.quality, *(verdict.quality for verdict in judged.verdicts)):
        if quality is not None:
            found += [quality.over_tasks, quality.over_seeds, quality.difference]
    yield from (each for each in found if each is not None)
