"""The first page in words: what was done, and the verdicts with their figures."""

from __future__ import annotations

from harness.declare.pair import workload_words
from harness.judge.judgement import Judgement
from harness.judge.statistics import MIN_ROUNDS
from harness.records.manifest import Manifest
from harness.report.claims import summary
from harness.report.tables.run_tables import machine_words
from harness.report.units import count, percent
from harness.report.words import listed


def abstract(manifest: Manifest, judgement: Judgement) -> tuple[str, ...]:
    """Return the paragraphs of the abstract: how it ended, and what was done."""
    return summary(judgement), _opening(manifest, judgement)


def checks_and_noise(judgement: Judgement) -> str:
    """Say how many gradient checks hold, how large the noise is and what was not measured."""
    checks = {
        (check.learner, check.equivalence, check.passed): check
        for judged in judgement.pairs
        for check in judged.checks
        # A pair that asks for no check may have a member that another one had checked.
        if "check" in judged.pair.passes or check.passed is not None
    }
    parts = []
    if checks:
        passed = sum(check.passed is True for check in checks.values())
        parts.append(
            f"{passed} of {count(len(checks), 'gradient check')} hold"
            + ("." if passed == len(checks) else "; the other pairs show no speed-up.")
        )
    own = [t for t in judgement.twins if t.own and t.interval.n >= MIN_ROUNDS]
    if own:
        covering = sum(twins.holds for twins in own)
        floors = sorted(twins.floor for twins in own)
        parts.append(
            f"{covering} of {count(len(own), 'interval')} of twin over baseline "
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


def _seeds(manifest: Manifest) -> str:
    """Count the seeds; some pairs may train with more than others."""
    own = (pair.protocol.get("seeds") for pair in manifest.suite.pair)
    several = sorted({len(manifest.seeds), *(int(each) for each in own if each is not None)})
    most = count(several[-1], "seed")
    return most if len(several) == 1 else f"{several[0]} to {most}"


def _opening(manifest: Manifest, judgement: Judgement) -> str:
    workloads = listed(list(dict.fromkeys(workload_words(j.pair) for j in judgement.pairs)))
    data = list(dict.fromkeys(judged.data for judged in judgement.pairs if judged.data))
    several = any(judged.pair.ranks > 1 for judged in judgement.pairs)
    alone = f"a fresh process with {count(manifest.threads, 'thread')}"
    processes = "fresh processes, one or several," if several else alone
    rounds = judgement.rounds
    timed = "" if rounds is None else f"in {rounds} interleaved rounds of each timed pair, "
    made = f" The tasks come from {listed(data)}." if data else ""
    return (
        f"{count(len(judgement.pairs), 'pair')} of meta-learners "
        f"{'was' if len(judgement.pairs) == 1 else 'were'} compared on {workloads or 'nothing'}, "
        f"{timed}with {_seeds(manifest)}, every block in {processes} on "
        f"{manifest.device} "
        f"({machine_words(manifest.probes)}).{made}"
    )
