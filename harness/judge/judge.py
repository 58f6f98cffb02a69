"""The judge: from a manifest and its records to all that a run says, and from nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from harness.declare.claims import Claim
from harness.declare.suite import Pair, Suite
from harness.errors import StoreError
from harness.judge.blocks import LONGEST_S, latest, trouble
from harness.judge.cautions import cautions
from harness.judge.checks import debts, failed
from harness.judge.inheritance import curves_equal, inherits
from harness.judge.judgement import Failure, Judgement, PairJudgement, Quality, Ratio
from harness.judge.noise import AA_CONFIDENCE, Noise, Twins, noise_of
from harness.judge.pair_quality import pair_gain, pair_quality, stands_in, strictest_margin
from harness.judge.pair_verdicts import pair_verdicts
from harness.judge.ratios import CONFIDENCE, clocked, overall, ratios, withhold
from harness.judge.requirements import lacking
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.studies.ranks.judge import scaling_of
from harness.studies.targets.judge import targets
from harness.studies.variants.judge import Selector
from harness.studies.variants.seen import study_of, why_unstudied


def judge(manifest: Manifest, records: Sequence[Record]) -> Judgement:
    """Judge a run by its records, whatever their order, and yield the same whenever it is asked."""
    counting = latest(records)
    seen = [counting[block] for block in manifest.plan if block in counting]
    twins = _twins(seen, manifest.suite.pair)
    noise = noise_of(twins)
    pairs = tuple(_judge_pair(manifest, seen, pair, noise) for pair in manifest.suite.pair)
    measured_s, wall_s = _sum(r.measured_s for r in records), _sum(r.wall_s for r in records)
    return Judgement(
        pairs=pairs,
        noise_floor=noise.floor,
        aa_ok=noise.ok,
        warnings=cautions(manifest, seen, pairs, noise, unplanned=len(counting) - len(seen)),
        overall=overall(pairs),
        measured_share=measured_s / wall_s if wall_s > 0 else None,
        measured_s=measured_s,
        wall_s=wall_s,
        twins=twins,
    )


def _judge_pair(
    manifest: Manifest, records: Sequence[Record], pair: Pair, noise: Noise
) -> PairJudgement:
    own = [record for record in records if record.pair == pair.name]
    claims = _claims_of(pair, manifest)
    owed = debts(records, pair)
    proof = inherits(records, pair)
    inherited = proof if stands_in(records, pair, proof) else None
    selector = _selector(records, pair, strictest_margin(claims))
    measured = ratios(records, pair) + (selector.ratios() if selector is not None else ())
    step_time = next((ratio for ratio in measured if ratio.measure == "step_time"), None)
    raced = targets(records, pair, inherited is not None, step_time)
    asked = {reading.measure for claim in claims for reading in claim.readings}
    measured += tuple(ratio for ratio in raced.ratios if ratio.measure in asked)
    measured = tuple(withhold(ratio, failed(owed)) for ratio in measured)
    gain = pair_gain(records, pair, inherited)

    def quality_at(margin: float) -> Quality | None:
        return pair_quality(records, pair, inherited, margin)

    judged = PairJudgement(
        pair=pair,
        data=next((record.data for record in own if record.data), None),
        debts=owed,
        curves=curves_equal(records, pair) if "trajectory" in pair.passes else None,
        ratios=tuple(ratio for ratio in measured if _has_figures(ratio)),
        quality=quality_at(strictest_margin(claims)),
        targets=raced.times,
        failures=_failures(own),
        missing_blocks=_missing(manifest, pair, own),
        verdicts=(),
        scaling=None if failed(owed) else scaling_of(records, pair, manifest, claims),
        selection=selector.selection() if selector is not None else None,
        gain=withhold(gain, failed(owed)) if gain is not None else None,
    )
    verdicts = pair_verdicts(
        judged,
        measured if judged.gain is None else (*measured, judged.gain),
        _judged_here(claims, manifest.suite),
        noise,
        raced.late,
        quality_at,
        lambda claim: lacking(claim, pair, manifest, records),
        lambda measure: why_unstudied(records, pair, measure),
        selector,
    )
    return dataclasses.replace(judged, verdicts=verdicts)


def _twins(records: Sequence[Record], pairs: Iterable[Pair]) -> tuple[Twins, ...]:
    """Measure the A/A pairs; noise is noise whatever is computed, so no check is asked for."""
    return tuple(
        Twins(pair.name, ratio.measure, ratio.interval, wide.interval)
        for pair in pairs
        if pair.is_aa
        for ratio, wide in zip(
            _times(records, pair), _times(records, pair, AA_CONFIDENCE), strict=True
        )
        if clocked(ratio.measure) and ratio.interval is not None and wide.interval is not None
    )


def _times(
    records: Sequence[Record], pair: Pair, confidence: float = CONFIDENCE
) -> tuple[Ratio, ...]:
    selector = _selector(records, pair, Claim.margin)
    own = selector.ratios(confidence) if selector is not None else ()
    return ratios(records, pair, confidence) + own


def _selector(records: Sequence[Record], pair: Pair, margin: float) -> Selector | None:
    study = study_of(records, pair)
    return Selector(study, pair, margin) if study is not None else None


def _claims_of(pair: Pair, manifest: Manifest) -> tuple[Claim, ...]:
    claims = {claim.name: claim for claim in manifest.claims}
    for name in pair.claims:
        if name not in claims:
            raise StoreError(
                f"the manifest's pair {pair.name} is held to claim {name!r}, which is not in it."
            )
    return tuple(claims[name] for name in pair.claims)


def _judged_here(claims: Iterable[Claim], suite: Suite) -> tuple[Claim, ...]:
    """Return the claims with those of their readings on which this suite gives verdicts."""
    if suite.verdicts:
        return tuple(claims)
    found = []
    for claim in claims if suite.quality_verdicts else ():
        readings = tuple(r for r in claim.readings if r.measure == "quality_gain")
        if readings:
            found.append(dataclasses.replace(claim, readings=readings))
    return tuple(found)


def _has_figures(ratio: Ratio) -> bool:
    return not (ratio.interval is None and ratio.baseline is None and ratio.method is None)


def _failures(records: Sequence[Record]) -> tuple[Failure, ...]:
    counted = Counter(
        (record.member, record.measured, *found)
        for record in records
        if (found := trouble(record)) is not None
    )
    return tuple(Failure(*what, blocks=blocks) for what, blocks in counted.items())


def _missing(manifest: Manifest, pair: Pair, records: Sequence[Record]) -> int:
    planned = {block for block in manifest.plan if block.rsplit("/", 4)[0] == pair.name}
    return len(planned - {record.block for record in records})


def _sum(values: Iterable[float | None]) -> float:
    return math.fsum(value for value in values if value is not None and 0 <= value < LONGEST_S)
