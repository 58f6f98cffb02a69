"""Runs as the harness would have left them, built by hand from what each block is to have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.declare.claims import Claim, Reading
from harness.declare.pair import MEMBERS, Pair, settings_words
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.judge.evidence import Evidence
from harness.judge.judge import judge
from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.judge.quality.inheritance import inherits
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.seeds import derive
from tests.records.made import altered, flat_record

SEEDS = (0, 1, 2)
ROUNDS = 4

PAIR = Pair(
    "pair",
    "plain",
    "fast",
    "toys",
    "how fast",
    passes=("check", "trajectory", "operations", "memory", "step", "curve"),
    claims=("twice",),
)
AA = Pair("aa", "plain", "plain", "toys", "nothing", passes=("step",))


def claim(
    measure: str = "step_time", value: float = 2.0, name: str = "twice", **rest: Any
) -> Claim:
    readings = (Reading("only", f"read as {value} times", value, measure),)
    known = {"paper": "Paper", "source": "here", "sentence": "It is faster", "algorithm": "known"}
    return Claim(**{"name": name, "readings": readings, **known, **rest})


def record(
    pair: Pair, measured: str, member: str, seed: int = 0, round_: int = 0, **seen: Any
) -> Record[Seen]:
    return flat_record(
        block=f"{pair.name}/{measured}/{member}/seed{seed}/round{round_}",
        pair=pair.name,
        measured=measured,
        member=member,
        learner=pair.learner(member),  # type: ignore[arg-type]
        workload=pair.workload,
        settings=settings_words(pair.settings),
        learner_settings=settings_words(pair.learner_settings(member)),  # type: ignore[arg-type]
        seed=seed,
        round=round_,
        **{
            "status": "ok",
            "data": "toys (made up)",
            "metric": "accuracy",
            "higher_is_better": True,
            "device": "cpu",
            "threads": 1,
            "processes": pair.processes(member),  # type: ignore[arg-type]
            "communicator": pair.communication(member),  # type: ignore[arg-type]
            "wall_s": 2.0,
        }
        | seen,
    )


def timed(
    pair: Pair,
    baseline: float = 0.25,
    method: float = 0.1,
    measured: str = "step",
    seeds: Sequence[int] = SEEDS,
    rounds: int = ROUNDS,
    noise: float = 0.01,
    **seen: Any,
) -> list[Record[Seen]]:
    """Time both members; each block draws its own noise, which depends on nothing but its name."""
    found = []
    for seed in seeds:
        for round_ in range(rounds):
            for member, middle in zip(MEMBERS, (baseline, method), strict=True):
                drawn = derive(0, pair.name, measured, member, seed, round_) / 2**63
                time = middle * (1 + noise * (drawn - 0.5))
                seconds = (1.5 * time, time, 0.9 * time)  # the median is what counts
                known = {"seconds": seconds, "measured_s": 0.5, "warmup_steady": True, "steal": 0.0}
                found.append(record(pair, measured, member, seed, round_, **known | seen))
    return found


def checks(pair: Pair, passed: tuple[bool, bool] = (True, True), **seen: Any) -> list[Record[Seen]]:
    known = {
        "equivalence": "Exact",
        "worst_error": 1e-15,
        "tolerance": 1e-9,
        "worst_case": "ways=2",
    }
    return [
        record(pair, "check", member, **known | {"passed": each} | seen)
        for member, each in zip(MEMBERS, passed, strict=True)
    ]


def trajectories(pair: Pair, apart: float = 1e-12, **seen: Any) -> list[Record[Seen]]:
    """Take five steps with both members, whose losses differ by a share at the last of them."""
    losses, prints = (3.0, 2.5, 2.0, 1.5, 1.0), (9.0, -1.0, 0.001, 4.0, 7.0)
    other = (*losses[:4], losses[4] * (1 + apart))
    return [
        record(pair, "trajectory", member, losses=each, fingerprint=prints, **seen)
        for member, each in zip(MEMBERS, (losses, other), strict=True)
    ]


def curve(
    pair: Pair,
    member: str,
    quality: Sequence[float] = (0.3, 0.5, 0.7, 0.8, 0.8),
    test: Sequence[float] = (0.7, 0.8, 0.9, 0.8),
    seed: int = 0,
    **seen: Any,
) -> Record[Seen]:
    steps = tuple(range(10, 10 * len(quality) + 1, 10))
    known = {"curve_steps": steps, "curve_quality": tuple(quality), "test_quality": tuple(test)}
    return record(pair, "curve", member, seed, **known | seen)


def curves(
    pair: Pair,
    gain: float | Callable[[int], float] = 0.0,
    seeds: Sequence[int] = SEEDS,
    **seen: Any,
) -> list[Record[Seen]]:
    """Train both members; the method's test quality is better by the gain, which a seed may set."""
    found = []
    for seed in seeds:
        better = gain(seed) if callable(gain) else gain
        test = [0.8 + 0.01 * seed + 0.05 * (task % 5 - 2) for task in range(20)]
        found.append(curve(pair, "baseline", test=test, seed=seed, **seen))
        found.append(curve(pair, "method", test=[t + better for t in test], seed=seed, **seen))
    return found


def counts(pair: Pair, baseline: int = 4000, method: int = 1000, **seen: Any) -> list[Record[Seen]]:
    return [
        found
        for member, count in zip(MEMBERS, (baseline, method), strict=True)
        for found in (
            record(pair, "memory", member, **{"peak_bytes": count, "live_bytes": 500} | seen),
            record(pair, "operations", member, **{"flops": 7000, "backward_passes": count} | seen),
        )
    ]


def inheriting(
    pair: Pair, records: Sequence[Record[Seen]], seeds: Sequence[int] = SEEDS
) -> list[Record[Seen]]:
    """Leave the method's curves out, as a run does."""
    proof = inherits(evidence(records), pair)
    assert proof is not None
    reason = f"inherits the baseline's curve: {proof.reason}"
    skipped = {"status": "skipped", "skip": "inherited"}
    left_out = [
        record(pair, "curve", "method", s, **skipped, reason=reason, wall_s=None) for s in seeds
    ]
    kept = [found for found in curves(pair, seeds=seeds) if found.member == "baseline"]
    return kept + left_out


def whole(pair: Pair = PAIR, **times: Any) -> list[Record[Seen]]:
    """Return a run in which all went well: 2.5 times faster, and the curve is inherited."""
    proven = checks(pair) + trajectories(pair)
    return (
        proven
        + counts(pair)
        + timed(AA, 0.25, 0.25)
        + timed(pair, **times)
        + inheriting(pair, proven)
    )


def without(records: Iterable[Record[Seen]], **fields: Any) -> list[Record[Seen]]:
    """Return the records but for those with all of these fields."""
    return [
        found
        for found in records
        if not all(getattr(found, name) == value for name, value in fields.items())
    ]


def changed(
    records: Iterable[Record[Seen]], changes: dict[str, Any], **fields: Any
) -> list[Record[Seen]]:
    """Return the records with changes made to those with all of these fields."""
    kept = [
        all(getattr(found, name) == value for name, value in fields.items()) for found in records
    ]
    assert any(kept), f"no record has {fields}"
    return [
        altered(found, **changes) if chosen else found
        for found, chosen in zip(records, kept, strict=True)
    ]


def manifest(
    plan: Iterable[Record[Seen]],
    pairs: Sequence[Pair] = (PAIR, AA),
    claims: Sequence[Claim] = (claim(),),
    **rest: Any,
) -> Manifest:
    """Return the manifest of a run that planned these records' blocks."""
    verdicts = rest.pop("verdicts", True)
    known = {
        "command": "python -m harness run suite=toys",
        "seeds": SEEDS,
        "rounds": ROUNDS,
        "threads": 1,
        "device": "cpu",
        "data_dir": False,
        "plan_hash": "0" * 16,
        "started": "2026-03-14T09:26:53+00:00",
        "version": "0.1.0",
        "probes": {"gpus": 0},
    }
    return Manifest(
        suite=Suite("toys", "Made up", tuple(pairs), Protocol(), verdicts),
        claims=tuple(claims),
        plan=tuple(dict.fromkeys(found.block for found in plan)),
        **known | rest,
    )


STANDING = ("no data set was given", "baselines were still learning")
"""What readers of any made run are warned of: its tasks are toys, and its trainings are short."""


def warnings_of(judgement: Judgement) -> tuple[str, ...]:
    """Return the warnings that are a run's own."""
    return tuple(said for said in judgement.warnings if not said.startswith(STANDING))


def evidence(records: Sequence[Record[Seen]], **about: Any) -> Evidence:
    """Return a run's records as a judge sees them."""
    return Evidence(manifest(records, **about), records)


def judged(records: Sequence[Record[Seen]], **about: Any) -> Judgement:
    """Judge a run that planned nothing but what is in its records."""
    return judge(manifest(records, **about), records)


def pair_of(records: list[Record[Seen]], **about: object) -> PairJudgement:
    return judged(records, **about).pairs[0]


def passed(records: list[Record[Seen]]) -> PairJudgement:
    """Judge records of a pair whose checks passed: without, it would show nothing."""
    return pair_of(checks(PAIR) + records)


def only_verdict(records: list[Record[Seen]], **about: object) -> Verdict:
    (verdict,) = pair_of(records, **about).verdicts
    return verdict
