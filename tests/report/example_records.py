"""The example run's records: times drawn around known means, counts as they would be."""

from __future__ import annotations

import random
import statistics

from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Seen
from harness.judge.statistics import Interval, paired_ratio
from harness.records.record import Record
from harness.records.seen import Times
from tests.records.made import flat_record
from tests.report.example_suite import ONE_SHOT, PAIRS, SECONDS, TWENTY


def made_records(
    draw: random.Random, seeds: tuple[int, ...], rounds: int
) -> tuple[Record[Seen], ...]:
    records = []
    for pair in (PAIRS[1], PAIRS[2]):
        records += [_memory(pair, member) for member in MEMBERS]
    for pair in (PAIRS[0], PAIRS[1], PAIRS[4]):
        records += [each for member in MEMBERS for each in _growth(pair, member)]
    number = 0
    for round_ in range(rounds):
        for seed in seeds:
            order = MEMBERS if number % 2 == 0 else MEMBERS[::-1]
            drift = 1 + 0.004 * number
            number += 1
            for pair in (PAIRS[0], PAIRS[1], PAIRS[2], PAIRS[4]):
                scale = drift * (2.3 if pair.settings == TWENTY else 1.0)
                for member in order:
                    time = SECONDS[pair.learner(member)] * scale
                    seconds = tuple(time * draw.gauss(1, 0.008) for _ in range(5))
                    records.append(
                        _record(
                            pair,
                            "step",
                            member,
                            seed,
                            round_,
                            seconds=seconds,
                            steps_per_interval=max(1, int(0.1 / time)),
                            warmup_steady=number != 3,
                            warmup_seconds=tuple(seconds[:2]) * 5,
                            warmup_s=2.5,
                            compile_s=None,
                            fast_paths="torch.func vmap"
                            if "batched" in pair.learner(member)
                            else None,
                            measured_s=0.5,
                            wall_s=1.4,
                            load=draw.uniform(0.4, 1.2),
                            steal=0.002,
                        )
                    )
    for pair, members in ((PAIRS[1], ("baseline",)), (PAIRS[2], MEMBERS)):
        for member in members:
            for seed in seeds:
                steps = tuple(range(0, 201, 20))
                top = 0.9 if pair.settings == ONE_SHOT else 0.74
                quality = tuple(
                    top - (top - 0.25) * 0.5 ** (step / 35) + draw.gauss(0, 0.008) for step in steps
                )
                tests = tuple(min(1.0, max(0.0, draw.gauss(top, 0.09))) for _ in range(300))
                records.append(
                    _record(
                        pair,
                        "curve",
                        member,
                        seed,
                        0,
                        curve_steps=steps,
                        curve_quality=quality,
                        test_quality=tests,
                        metric="accuracy",
                        higher_is_better=True,
                        train_seconds=18.0,
                        wall_s=21.0,
                        measured_s=0.0,
                    )
                )
    return tuple(records)


def _record(
    pair: Pair, measured: str, member: str, seed: int, round_: int, **seen: object
) -> Record[Seen]:
    at = "" if not seen.get("point") else f"@{seen['point']}"
    return flat_record(
        block=f"{pair.name}/{measured}{at}/{member}/seed{seed}/round{round_}",
        pair=pair.name,
        measured=measured,
        member=member,
        learner=pair.learner(member),  # type: ignore[arg-type]
        workload=pair.workload,
        settings=" ".join(f"{k}={v}" for k, v in sorted(pair.settings.items())),
        learner_settings=" ".join(f"{k}={v}" for k, v in pair.learner_settings(member).items()),  # type: ignore[arg-type]
        seed=seed,
        round=round_,
        status="ok",
        **{"device": "cpu", "dtype": "float32", "threads": 2, "processes": 1} | seen,  # type: ignore[arg-type]
    )


def _memory(pair: Pair, member: str) -> Record[Seen]:
    peak = {"baseline": 31_400_000, "method": 118_000_000}[member]
    return _record(
        pair,
        "memory",
        member,
        0,
        0,
        peak_bytes=peak,
        live_bytes=9_800_000,
        wall_s=2.0,
        measured_s=0.0,
    )


def _growth(pair: Pair, member: str) -> list[Record[Seen]]:
    steps = (1, 2, 4, 8)
    first, more = {"batched_maml": (100_000_000, 50_000_000)}.get(
        pair.learner(member),  # type: ignore[arg-type]
        (6_000_000, 2_000_000),
    )
    return [
        _record(
            pair,
            "memory",
            member,
            0,
            0,
            peak_bytes=first + more * (number - 1),
            point={"inner_steps": number},
        )
        for number in steps
    ]


def seconds_ratio(
    pair: Pair, records: tuple[Record[Seen], ...], confidence: float = 0.95
) -> Interval:
    sides: dict[str, dict[tuple[int, int], float]] = {"baseline": {}, "method": {}}
    for r in records:
        if r.pair == pair.name and isinstance(r.seen, Times):
            sides[r.member][(r.seed, r.round)] = statistics.median(r.seen.seconds)
    return paired_ratio(sides["baseline"], sides["method"], confidence=confidence)
