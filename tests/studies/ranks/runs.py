"""Runs of the scaling pass as they would be were steps to take what a formula says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from harness.declare.suite import Pair, Protocol
from harness.records.record import Record
from harness.seeds import derive
from harness.studies.ranks.model import TERMS, Point, Shape
from tests.judge.builders import ROUNDS, SEEDS, record

PAIR = Pair(
    "shared",
    "plain",
    "fast",
    "toys",
    "how many ranks",
    passes=("check", "step", "scaling"),
    claims=("twice",),
)
PROTOCOL = Protocol()
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


def points(protocol: Protocol = PROTOCOL) -> list[Point]:
    ranks = (*protocol.scaling_ranks, protocol.scaling_held_out)
    strong = [Point(each, protocol.scaling_batch) for each in ranks]
    return list(dict.fromkeys([*strong, *(Point(n, protocol.scaling_share * n) for n in ranks)]))


def scaling(
    step: Callable[[Point], float] = seconds,
    baseline: float = 0.33,
    pair: Pair = PAIR,
    noise: float = 0.0,
    seeds: Sequence[int] = SEEDS,
    rounds: int = ROUNDS,
    terms: Mapping[str, float] = KNOWN,
) -> list[Record]:
    """Measure the baseline and every point of the default protocol in every round."""

    def noisy(value: float, *purpose: str | int) -> float:
        return value * (1 + noise * (derive(0, *purpose) / 2**62 - 1))

    found = []
    for seed in seeds:
        for round_ in range(rounds):
            time = noisy(baseline, "baseline", seed, round_)
            alone = record(pair, "scaling", "baseline", seed, round_, seconds=(time,), tasks=32)
            found.append(alone)
            for point in points():
                about = f"{point.ranks} by {point.tasks}"
                wire = [Shape(2, BYTES).wire(point.ranks, size)[3:] for size in (4, BYTES)]
                bare = [terms["latency"] * hops + terms["transfer"] * sent for hops, sent in wire]
                of_team = {
                    "allreduce_calls": 1,
                    "allreduce_bytes": BYTES,
                    "allreduce_seconds": (0.001 * point.ranks,),
                    "imbalance_seconds": (0.002,),
                    "wire_bytes": (4, BYTES),
                    "wire_seconds": tuple(noisy(b, about, seed, round_, "wire") for b in bare),
                }
                one = record(
                    pair,
                    "scaling",
                    "method",
                    seed,
                    round_,
                    seconds=(noisy(step(point), about, seed, round_),),
                    tasks=point.tasks,
                    processes=point.ranks,
                    **of_team if point.ranks > 1 else {},
                )
                name = f"{pair.name}/scaling {about}/method/seed{seed}/round{round_}"
                found.append(dataclasses.replace(one, block=name))
    return found
