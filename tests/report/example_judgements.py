"""How each of the example's pairs is judged: gains, noise, a failed check, a missing peer."""

from __future__ import annotations

import statistics

from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Seen
from harness.judge.judgement import (
    CheckResult,
    Curves,
    Failure,
    PairJudgement,
    Quality,
    Ratio,
    Verdict,
)
from harness.judge.quality.accuracy import accuracy
from harness.judge.statistics import Interval
from harness.judge.verdicts import decide
from harness.records.record import Record
from harness.records.seen import Curve, Times
from harness.studies.targets.judge import TargetTime
from tests.report.example_records import seconds_ratio
from tests.report.example_suite import CLAIMS, DATA, PAIRS


def _step_ratio(pair: Pair, records: tuple[Record[Seen], ...]) -> Ratio:
    interval = seconds_ratio(pair, records)

    def middle(member: str) -> float:
        return statistics.median(
            statistics.median(r.seen.seconds)
            for r in records
            if r.pair == pair.name and r.member == member and isinstance(r.seen, Times)
        )

    return Ratio("step_time", "s", middle("baseline"), middle("method"), interval, interval.n)


def _exact(learner: str) -> CheckResult:
    case = "ways 3, shots 2, 3 steps at 0.41, BatchNorm off, seed 118"
    return CheckResult(learner, "Exact", True, 3.1e-15, 1e-9, case, None, None)


def aa(records: tuple[Record[Seen], ...]) -> PairJudgement:
    return PairJudgement(
        PAIRS[0],
        DATA,
        (_exact("learn2learn_maml"), _exact("learn2learn_maml")),
        None,
        (_step_ratio(PAIRS[0], records),),
        None,
        (),
        0,
        (),
    )


def _exact_count(measure: str, unit: str, baseline: float, method: float) -> Ratio:
    value = baseline / method
    return Ratio(measure, unit, baseline, method, Interval(value, value, value, 1, "counted"), 1)


def gain(
    pair: Pair, records: tuple[Record[Seen], ...], floor: float, inherited: bool
) -> PairJudgement:
    step = _step_ratio(pair, records)
    ratios = (
        step,
        _exact_count("peak_bytes", "bytes", 31_400_000, 118_000_000),
        _exact_count("flops", "operations", 2.41e9, 2.41e9),
        _exact_count("backward_passes", "calls", 64, 2),
    )
    tested = {
        member: accuracy(
            {
                r.seed: r.seen.test_quality
                for r in records
                if r.pair == pair.name and r.member == member and isinstance(r.seen, Curve)
            }
        )
        for member in (("baseline",) if inherited else MEMBERS)
    }
    base, other = tested["baseline"], tested.get("method")
    quality = Quality(
        "accuracy",
        True,
        base.mean,
        None if inherited else other and other.mean,
        base.over_tasks,
        base.over_seeds,
        None if other is None else other.over_tasks,
        None if other is None else other.over_seeds,
        inherited,
        True,
        0.01,
        "the method inherits the baseline's quality: over 5 steps the losses and weights of both "
        "differ by 6.1e-15 at most"
        if inherited
        else "not worse over 3 seeds: the method gains +0.001 (-0.006 to +0.008)",
    )
    curves = Curves(True, 5, 2.4e-7, "The weights of both stay equal over 5 steps, to 2.4e-07")
    speed = step.baseline / step.method if step.baseline and step.method else 1.0
    targets = tuple(
        TargetTime(
            target,
            target == 0.85,
            steps,
            steps,
            steps and steps * 0.088,
            steps and steps * 0.088 / speed,
            reached,
            reached,
        )
        for target, steps, reached in (
            (0.6, 60.0, "3 of 3"),
            (0.75, 100.0, "3 of 3"),
            (0.85, 160.0, "2 of 3"),
            (0.9, None, "0 of 3"),
        )
    )
    verdicts = []
    for claim in (claim for claim in CLAIMS if claim.name in pair.claims):
        for reading in claim.readings:
            ratio = step.interval if reading.measure == "step_time" else None
            decision = decide(
                ratio,
                reading.value,
                noise_floor=floor,
                aa_ok=True,
                rounds=step.rounds,
                equivalence_ok=True,
                quality_ok=True,
                missing="gpus=4 (found: no GPU)" if claim.needs else None,
            )
            verdicts.append(
                Verdict(
                    claim.name,
                    reading.name,
                    reading.text,
                    reading.measure,
                    reading.value,
                    pair.name,
                    pair.method,
                    str(decision.word),
                    decision.reason,
                    None if claim.needs else ratio,
                    claim.algorithm,
                    reading.trust,
                )
            )
    return PairJudgement(
        pair,
        DATA,
        (_exact(pair.baseline), _exact(pair.method)),
        curves if inherited else None,
        ratios,
        quality,
        (),
        0,
        tuple(verdicts),
        target=0.85 if inherited else None,
        studies={"targets": targets} if inherited else {},
    )


def missing_peer() -> PairJudgement:
    reason = "torchmeta is not installed. Install it with: python -m baselines.install torchmeta"
    verdict = Verdict(
        "qmaml_half",
        "half",
        "50 % less time a step, read as 2.0 times",
        "step_time",
        2.0,
        PAIRS[3].name,
        "batched_maml",
        "inconclusive",
        "Nothing comparable was measured.",
        None,
        "known",
        "stated",
    )
    return PairJudgement(
        PAIRS[3],
        None,
        (
            CheckResult("torchmeta_maml", "Exact", None, None, None, None, None, None, reason),
            _exact("batched_maml"),
        ),
        None,
        (),
        None,
        (Failure("baseline", "step", "skipped", reason, 12),),
        0,
        (verdict,),
        withheld="the gradient of torchmeta_maml was not checked",
    )


def failed_check() -> PairJudgement:
    failed = CheckResult(
        "shared_gradients",
        "Approximate",
        False,
        0.21,
        1e-9,
        "ways 5, shots 1, 1 step at 0.5, seed 3",
        0.93,
        0.38,
    )
    verdicts = tuple(
        Verdict(
            "sharing",
            reading.name,
            reading.text,
            reading.measure,
            reading.value,
            PAIRS[4].name,
            "shared_gradients",
            "invalid",
            "The gradient check failed: the method does not compute what it claims to.",
            None,
            "reconstructed",
            reading.trust,
        )
        for reading in CLAIMS[2].readings
    )
    return PairJudgement(
        PAIRS[4],
        DATA,
        (_exact("reference_maml"), failed),
        None,
        (),
        None,
        (),
        0,
        verdicts,
        withheld="the gradient check of shared_gradients failed",
    )
