"""Runs of pairs that sweep their ranks, were steps to take what a formula says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.point import Point as ScaledAt
from harness.declare.point import words_of
from harness.records.record import Record
from harness.seeds import derive
from harness.studies.ranks.model import TERMS, Point, Shape
from tests.judge.builders import ROUNDS, SEEDS, record

HELD_OUT, BATCH, SHARE = 3, 32, 8
RANKS = (1, 2, 4, HELD_OUT)
POINTS = tuple(
    dict.fromkeys([*(Point(each, BATCH) for each in RANKS), *(Point(n, SHARE * n) for n in RANKS)])
)
BASELINE_AT = {"meta_batch": BATCH}


def swept_in_ranks(pair: Pair) -> Pair:
    """Return the pair with its method timed at every point as well."""
    points = tuple({"ranks": each.ranks, "meta_batch": each.tasks} for each in POINTS)
    return dataclasses.replace(pair, swept=("step", "wire"), sweep=points)


PAIR = swept_in_ranks(
    Pair(
        "shared",
        "plain",
        "fast",
        "toys",
        "how many ranks",
        passes=("check", "step"),
        claims=("twice",),
    )
)
CORES = {"usable_cores": 2, "gpus": 0}
BYTES = 450_000
KNOWN = {
    "fixed": 0.004,
    "compute": 0.010,
    "contention": 0.001,
    "latency": 3e-4,
    "transfer": 2e-3,
}
assert set(KNOWN) == set(TERMS)


def seconds(point: Point, terms: Mapping[str, float] = KNOWN, seats: int = 2) -> float:
    """Return what the model's own formula says of a step."""
    counts = Shape(seats, BYTES).step(point)
    return sum(terms[name] * count for name, count in zip(TERMS, counts, strict=True))


def scaling(
    step: Callable[[Point], float] = seconds,
    baseline: float = 0.33,
    pair: Pair = PAIR,
    noise: float = 0.0,
    seeds: Sequence[int] = SEEDS,
    rounds: int = ROUNDS,
    terms: Mapping[str, float] = KNOWN,
) -> list[Record[Seen]]:
    """Measure the baseline and every point in every round."""

    def noisy(value: float, *purpose: str | int) -> float:
        return value * (1 + noise * (derive(0, *purpose) / 2**62 - 1))

    found = []
    for seed in seeds:
        for round_ in range(rounds):
            time = noisy(baseline, "baseline", seed, round_)
            found.append(_at(pair, "step", "baseline", seed, round_, BASELINE_AT, seconds=(time,)))
            for point in POINTS:
                about = f"{point.ranks} by {point.tasks}"
                wire = [Shape(2, BYTES).wire(point.ranks, size)[3:] for size in (4, BYTES)]
                bare = [terms["latency"] * hops + terms["transfer"] * sent for hops, sent in wire]
                of_team = {
                    "allreduce_seconds": (0.001 * point.ranks,),
                    "imbalance_seconds": (0.002,),
                }
                wire_of_team = {
                    "allreduce_calls": 1,
                    "allreduce_bytes": BYTES,
                    "wire_bytes": (4, BYTES),
                    "wire_seconds": tuple(noisy(b, about, seed, round_, "wire") for b in bare),
                }
                at = {"ranks": point.ranks, "meta_batch": point.tasks}
                several = point.ranks > 1
                for measured, seen in (
                    (
                        "step",
                        {"seconds": (noisy(step(point), about, seed, round_),)}
                        | (of_team if several else {}),
                    ),
                    ("wire", wire_of_team if several else {}),
                ):
                    known = {"processes": point.ranks, **seen}
                    found.append(_at(pair, measured, "method", seed, round_, at, **known))
    return found


def _at(
    pair: Pair, measured: str, member: str, seed: int, round_: int, at: ScaledAt, **seen: Any
) -> Record[Seen]:
    one = record(pair, measured, member, seed, round_, point=at, **seen)
    words = words_of(at).replace(" ", ",")
    name = f"{pair.name}/{measured}@{words}/{member}/seed{seed}/round{round_}"
    return dataclasses.replace(one, block=name)
