"""The judge: from a manifest and its records to all that a run says, and from nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from harness.declare.claims import Claim
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.study import Study
from harness.declare.suite import Suite
from harness.errors import StoreError
from harness.judge.checks import check_results, withheld
from harness.judge.evidence import Evidence, trouble
from harness.judge.judgement import Failure, Judgement, PairJudgement, Quality, Ratio
from harness.judge.machines import surroundings
from harness.judge.noise.run_noise import Noises
from harness.judge.noise.timed_blocks import block_times, member_runs, timed_rounds
from harness.judge.outcome import outcomes
from harness.judge.pair_study import PairSoFar, studied
from harness.judge.pair_verdicts import pair_verdicts
from harness.judge.quality.bands import bands
from harness.judge.quality.convergence import Convergences, convergences
from harness.judge.quality.inheritance import curves_equal, inherits
from harness.judge.quality.pair_quality import pair_gains, pair_quality, stands_in, strictest_margin
from harness.judge.ratios import nothing, overall, ratios
from harness.judge.requirements import lacking
from harness.judge.threats import threats
from harness.judge.warnings import warnings_of
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.seen import LONGEST_S
from harness.registry import Registry


def judge(
    manifest: Manifest, records: Iterable[Record[Seen]], registry: Registry | None = None
) -> Judgement:
    """Judge a run by its records, whatever their order, and yield the same whenever it is asked."""
    known = registry or Registry()
    return judged(Evidence(manifest, records, known.passes), known)


def judged(evidence: Evidence, registry: Registry) -> Judgement:
    """Judge what is there of a run, with the studies that are known."""
    manifest, studies = evidence.manifest, registry.studies
    noise, convergence = Noises.of(evidence, studies), convergences(evidence)
    pairs = tuple(
        _judge_pair(evidence, pair, noise, convergence, studies) for pair in manifest.suite.pair
    )
    measured_s = _sum(record.measured_s for record in evidence.every)
    wall_s = _sum(record.wall_s for record in evidence.every)
    judgement = Judgement(
        pairs=pairs,
        noise_floor=noise.whole.floor,
        aa_ok=noise.whole.ok,
        warnings=warnings_of(evidence, pairs, noise.whole, convergence),
        overall=overall(pairs),
        measured_share=measured_s / wall_s if wall_s > 0 else None,
        measured_s=measured_s,
        wall_s=wall_s,
        same_blocks=sum(record.same_as is not None for record in evidence.records),
        twins=noise.twins,
        convergence=tuple(convergence.found.values()),
        claims=outcomes(manifest.claims, pairs),
        rounds=timed_rounds(evidence),
    )
    return with_shown(judgement, evidence, studies)


def with_shown(judgement: Judgement, evidence: Evidence, studies: Sequence[Study]) -> Judgement:
    """Return the judgement with what may be shown of blocks, and what studies find of all pairs."""
    shown = evidence.without_results_of(each.pair for each in judgement.pairs if each.withheld)
    pairs = tuple(
        dataclasses.replace(
            each,
            bands=tuple(bands(shown, each.pair)),
            block_times=tuple(block_times(shown, each.pair)),
            member_runs=tuple(member_runs(shown, each.pair)),
        )
        for each in judgement.pairs
    )
    whole = dataclasses.replace(judgement, pairs=pairs, surroundings=surroundings(shown.records))
    found = {each.name: each.of_run(shown, whole) for each in studies}
    whole = dataclasses.replace(
        whole, studies={name: each for name, each in found.items() if each is not None}
    )
    of_studies = [told for each in studies for told in each.threats(shown, whole)]
    return dataclasses.replace(whole, threats=threats(shown, whole, of_studies))


def _judge_pair(
    evidence: Evidence,
    pair: Pair,
    noise: Noises,
    convergence: Convergences,
    studies: Sequence[Study],
) -> PairJudgement:
    claims = _claims_of(pair, evidence.manifest)
    checks = check_results(evidence, pair)
    why = withheld(pair, checks)
    proof = inherits(evidence, pair)
    inherited = proof if stands_in(evidence, pair, proof) else None
    so_far = PairSoFar(evidence, pair, claims, ratios(evidence, pair), inherited)
    found = {} if why else studied(so_far, studies)
    measured = so_far.ratios + tuple(ratio for each in found.values() for ratio in each.ratios())
    gains = pair_gains(evidence, pair, inherited)
    if why is not None:
        measured, gains = (
            tuple(nothing(each.measure, why, each.point) for each in of) for of in (measured, gains)
        )

    def quality_at(margin: float) -> Quality | None:
        return pair_quality(evidence, pair, inherited, margin)

    judged = PairJudgement(
        pair=pair,
        data=next((record.data for record in evidence.of(pair) if record.data), None),
        checks=checks,
        curves=curves_equal(evidence, pair) if "trajectory" in pair.every_pass else None,
        ratios=tuple(ratio for ratio in measured if _has_figures(ratio)),
        quality=quality_at(strictest_margin(claims)),
        failures=_failures(evidence.of(pair)),
        missing_blocks=evidence.missing_of(pair),
        verdicts=(),
        gains=gains,
        withheld=why,
        target=next((each.target for each in found.values() if each.target is not None), None),
        studies={name: each.finding for name, each in found.items() if each.finding is not None},
    )
    verdicts = pair_verdicts(
        judged,
        (*measured, *gains),
        _judged_here(claims, evidence.manifest.suite),
        noise.of_pair(pair.name),
        list(found.values()),
        quality_at,
        lambda claim: lacking(claim, pair, evidence),
        lambda point: convergence.of(pair, point),
    )
    return dataclasses.replace(judged, verdicts=verdicts)


def _claims_of(pair: Pair, manifest: Manifest) -> tuple[Claim, ...]:
    claims = {claim.name: claim for claim in manifest.claims}
    for name in pair.claims:
        if name not in claims:
            raise StoreError(
                f"the manifest's pair {pair.name} tests claim {name!r}, but the manifest has no "
                "such claim. Restore manifest.json, or measure again."
            )
    return tuple(claims[name] for name in pair.claims)


def _judged_here(claims: Iterable[Claim], suite: Suite) -> tuple[Claim, ...]:
    """Return the claims with those of their readings on which this suite gives verdicts."""
    if suite.verdicts:
        return tuple(claims)
    found = []
    for claim in claims if suite.quality_verdicts else ():
        readings = tuple(r for r in claim.readings if r.row.nature == "gain")
        if readings:
            found.append(dataclasses.replace(claim, readings=readings))
    return tuple(found)


def _has_figures(ratio: Ratio) -> bool:
    return not (ratio.interval is None and ratio.baseline is None and ratio.method is None)


def _failures(records: Sequence[Record[Seen]]) -> tuple[Failure, ...]:
    counted = Counter(
        (record.member, record.measured, *found)
        for record in records
        if (found := trouble(record)) is not None
    )
    return tuple(Failure(*what, blocks=blocks) for what, blocks in counted.items())


def _sum(values: Iterable[float | None]) -> float:
    return math.fsum(value for value in values if value is not None and 0 <= value < LONGEST_S)
