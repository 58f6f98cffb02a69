"""What a reader must know before any figure: the warnings of the first page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from harness.judge.checks import failed
from harness.judge.convergence import Convergences, Outcome
from harness.judge.evidence import Evidence, trouble
from harness.judge.judgement import PairJudgement
from harness.judge.noise import Noise
from harness.judge.ratios import clocked
from harness.judge.requirements import skipped, too_few_cores
from harness.judge.statistics import MIN_ROUNDS
from harness.records.manifest import Manifest

# A warm-up may miss its end by bad luck; where this share of blocks did, the limit was too short.
UNSTEADY_SHARE = 0.25

# A block whose time was taken by other machines by more than this was not alone.
STEAL = 0.05


def cautions(
    evidence: Evidence,
    pairs: Sequence[PairJudgement],
    noise: Noise,
    convergence: Convergences,
) -> tuple[str, ...]:
    """Return the warnings, the gravest first."""
    manifest = evidence.manifest
    clocked = {name for name, known in evidence.passes.items() if known.clocked}
    found = [*_checks(pairs), *_baselines(convergence)]
    if manifest.suite.verdicts:
        found += [*noise.remarks, *_rounds(pairs)]
    else:
        timed = any(measured in clocked for pair in pairs for measured in pair.pair.every_pass)
        why = (
            "its protocol is too short; its ratios only show that everything runs"
            if timed
            else "it times nothing"
        )
        found.append(f"suite {manifest.suite.name} does not judge speed: {why}")
    found += [*_crowded(manifest, pairs), *_absent(evidence, pairs)]
    if manifest.suite.verdicts:
        found += [*_apart(evidence), *_disturbed(evidence, clocked)]
    if evidence.unplanned:
        found.append(
            f"left out {_blocks(evidence.unplanned)} that the records hold but the plan does not"
        )
    return tuple(found)


def _checks(pairs: Sequence[PairJudgement]) -> Iterator[str]:
    for judged in pairs:
        if reason := failed(judged.debts):
            yield f"{reason}, so pair {judged.pair.name} gets no speed-up"


def _baselines(convergence: Convergences) -> Iterator[str]:
    """Name the baselines that are not what was published, and those of which nobody can tell."""
    for each in sorted(convergence.found.values(), key=lambda found: not found.invalid):
        if each.outcome is not Outcome.REACHED:
            consequence = ", so every verdict on it is invalid" if each.invalid else ""
            yield f"reference convergence {each.outcome}: {each.reason}{consequence}"


def _rounds(pairs: Sequence[PairJudgement]) -> Iterator[str]:
    few = {
        judged.pair.name: ratio.rounds
        for judged in pairs
        for ratio in judged.ratios
        if clocked(ratio.measure) and 0 < ratio.rounds < MIN_ROUNDS and not judged.pair.is_aa
    }
    if few:
        named = ", ".join(f"{name} has {rounds}" for name, rounds in few.items())
        yield f"too few rounds: a verdict on time needs {MIN_ROUNDS}, but {named}"


def _crowded(manifest: Manifest, pairs: Sequence[PairJudgement]) -> Iterator[str]:
    """Name the pairs whose ranks shared cores, or got more cores than the baseline."""
    for judged in pairs:
        if (cores := too_few_cores(judged.pair, manifest)) is not None:
            yield (
                f"pair {judged.pair.name} ran {judged.pair.ranks} ranks of one thread each on "
                f"{cores} core{'s' * (cores != 1)}: its times do not show one core per rank"
            )


def _absent(evidence: Evidence, pairs: Sequence[PairJudgement]) -> Iterator[str]:
    for judged in pairs:
        if reason := skipped(evidence, judged.pair):
            yield f"pair {judged.pair.name} could not be measured here: {reason}"
    outcomes = Counter(
        found[0]
        for record in evidence.records
        if (found := trouble(record)) and found[0] != "skipped"
    )
    if outcomes:
        listed = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        yield f"{_blocks(sum(outcomes.values()))} gave no measurement ({listed})"
    if missing := sum(judged.missing_blocks for judged in pairs):
        yield f"{_blocks(missing)} of the plan missing in the records: the run is unfinished"


def _apart(evidence: Evidence) -> Iterator[str]:
    """Name what was to be timed in turns and was not: drift and bursts may have hit one alone."""
    apart = {
        (record.pair, record.measured)
        for record in evidence.records
        if record.in_turns is False and evidence.passes[record.measured].in_turns
    }
    for pair, measured in sorted(apart):
        yield (
            f"{measured} of pair {pair} was timed in whole blocks and not in turns, since its "
            "members did not fit into memory together or were run on other machines"
        )


def _disturbed(evidence: Evidence, clocked: Collection[str]) -> Iterator[str]:
    timed = [r for r in evidence.records if r.measured in clocked and r.status == "ok"]
    unsteady = sum(record.warmup_steady is False for record in timed)
    if timed and unsteady / len(timed) > UNSTEADY_SHARE:
        yield (
            f"the warm-up ended before step times were steady in {unsteady} of {len(timed)} timed "
            "blocks: raise warmup_s in the suite"
        )
    stolen = [record.steal for record in timed if record.steal is not None and record.steal > STEAL]
    if stolen:
        yield (
            f"other virtual machines took more than {100 * STEAL:.0f} % of the CPU time in "
            f"{len(stolen)} of {len(timed)} timed blocks (at most {100 * max(stolen):.0f} %)"
        )


def _blocks(count: int) -> str:
    return f"{count} block{'s' * (count != 1)}"
