"""What a reader must know before any figure: the warnings of the first page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from statistics import fmean

from harness.judge.checks import failed
from harness.judge.evidence import Evidence, trouble
from harness.judge.judgement import PairJudgement
from harness.judge.machines import nodes_by_pair
from harness.judge.noise.pair_noise import Noise
from harness.judge.quality.convergence import Convergences, Outcome
from harness.judge.ratios import clocked
from harness.judge.requirements import skipped, too_few_cores
from harness.judge.statistics import MIN_ROUNDS
from harness.records.manifest import Manifest
from harness.records.seen import CURVE, Curve

# A warm-up may miss its end by bad luck; where this share of blocks did, the limit was too short.
UNSTEADY_SHARE = 0.25

# A block whose time was taken by other machines by more than this was not alone.
STEAL = 0.05

# What of the machine is but its load under other names.
OF_LOAD = ("load", "busy processes")

# A baseline that still gains more than the margin behind this part of its steps is still learning.
LAST_PART = 0.75


def warnings_of(
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
        found += [*_apart(evidence), *_moved(evidence), *_disturbed(evidence, clocked)]
    if any(judged.verdicts for judged in pairs):
        found += [*_unread(manifest, pairs), *_stand_in(evidence), *_undertrained(evidence, pairs)]
    if evidence.unplanned:
        found.append(
            f"left out {_blocks(evidence.unplanned)} that the records hold but the plan does not"
        )
    return tuple(found)


def _checks(pairs: Sequence[PairJudgement]) -> Iterator[str]:
    for judged in pairs:
        if reason := failed(judged.checks):
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
    if again := sum((record.tries or 1) > 1 for record in evidence.records):
        yield f"{_blocks(again)} were measured a second time, since a worker had died in the first"
    if suspended := sum(record.suspended is not None for record in evidence.records):
        yield (
            f"{_blocks(suspended)} had processes that were stopped and went on: intervals with "
            "such a stop were taken again, but seconds of whole trainings include it"
        )
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


def _moved(evidence: Evidence) -> Iterator[str]:
    """Name what was timed on several machines of a class, which a resume can bring about."""
    for pair, nodes in sorted(nodes_by_pair(evidence.records, evidence.passes).items()):
        if len(nodes) > 1:
            yield (
                f"pair {pair} was timed on {len(nodes)} machines of one class, or on one that was "
                "restarted in between; each round ran on one machine"
            )


def _disturbed(evidence: Evidence, clocked: Collection[str]) -> Iterator[str]:
    timed = [r for r in evidence.records if r.measured in clocked and r.status == "ok"]
    unsteady = sum(record.warmup_steady is False for record in timed)
    if timed and unsteady / len(timed) > UNSTEADY_SHARE:
        yield (
            f"the warm-up ended before step times were steady in {unsteady} of {len(timed)} timed "
            "blocks: raise warmup_s in the suite"
        )
    cores = evidence.manifest.probes.get("usable_cores")
    loads = [record.load for record in timed if record.load is not None]
    above = [load for load in loads if isinstance(cores, int) and load > cores]
    if found := _unfit(evidence.manifest, OF_LOAD if above else ()):
        yield f"when the run began, its machine disturbed times: {found}"
    if above:
        yield (
            f"{len(above)} of {len(timed)} timed blocks began while the load was above the {cores} "
            f"core{'s' * (cores != 1)} (at most {max(above):.1f}): other work may have shared them"
        )
    stolen = [record.steal for record in timed if record.steal is not None and record.steal > STEAL]
    if stolen:
        yield (
            f"other virtual machines took more than {100 * STEAL:.0f} % of the CPU time in "
            f"{len(stolen)} of {len(timed)} timed blocks (at most {100 * max(stolen):.0f} %)"
        )


def _unfit(manifest: Manifest, told: Collection[str]) -> str:
    """Return what of the machine disturbed times at the start, but for what is told already."""
    found = manifest.probes.get("disturbed_by")
    if not isinstance(found, dict):  # a run of before it was asked
        return ""
    return "; ".join(f"{name}: {seen}" for name, seen in found.items() if name not in told)


def _unread(manifest: Manifest, pairs: Sequence[PairJudgement]) -> Iterator[str]:
    """Count the claims of which nobody here has read more than the abstract."""
    judged = {verdict.claim for pair in pairs for verdict in pair.verdicts}
    claims = [claim for claim in manifest.claims if claim.name in judged]
    unread = [claim for claim in claims if claim.read == "abstract"]
    if unread:
        of = (
            "each claim is" if len(unread) == len(claims) else f"{len(unread)} of {len(claims)} are"
        )
        yield (
            f"{of} known from an abstract alone, which says little or nothing of the paper's data, "
            "settings and machine"
        )


def _stand_in(evidence: Evidence) -> Iterator[str]:
    """Name the data that stand in for those that the papers used."""
    known = {r.data: r.stands_in_for for r in evidence.records if r.data and r.stands_in_for}
    for data, original in known.items():
        yield f"tasks come from {data}, which stand in for {original}"
    rest = {r.data for r in evidence.records if r.data} - known.keys()
    if rest and not evidence.manifest.data_dir:
        named = ", ".join(sorted(rest))
        yield f"no data set was given by data_dir=: tasks come from {named}"


def _undertrained(evidence: Evidence, pairs: Sequence[PairJudgement]) -> Iterator[str]:
    """Name the pairs whose baseline was still learning when its training ended."""
    found: dict[str, list[str]] = {}
    for judged in pairs:
        curves = [seen for _, seen in evidence.usable(judged.pair, CURVE, "baseline")]
        if judged.quality is None or not curves:
            continue
        sign = 1 if judged.quality.higher_is_better else -1
        rise = sign * fmean(seen.curve_quality[-1] - _before_last(seen) for seen in curves)
        if rise > judged.quality.margin:
            steps = max(seen.curve_steps[-1] for seen in curves)
            told = f"{rise:.2g} better in the last quarter of {steps} steps"
            found.setdefault(told, []).append(judged.pair.name)
    if found:
        few = (f"{_first_of(names)} ({told})" for told, names in found.items())
        yield (
            "baselines were still learning when their training ended, so accuracies are those of a "
            f"short training: {', '.join(few)}"
        )


def _first_of(names: Sequence[str]) -> str:
    """Name the first; those that share its baseline's training have the same to tell."""
    others = len(names) - 1
    return names[0] + (f" and {others} other pair{'s' * (others > 1)}" if others else "")


def _before_last(seen: Curve) -> float:
    """Return the quality at three quarters of the steps, or at the evaluation before them."""
    early = [
        quality
        for step, quality in zip(seen.curve_steps, seen.curve_quality, strict=True)
        if step <= LAST_PART * seen.curve_steps[-1]
    ]
    return early[-1] if early else seen.curve_quality[0]


def _blocks(count: int) -> str:
    return f"{count} block{'s' * (count != 1)}"
