"""The figures of every variant, and of the baseline beside them: quality, time, operations."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

import numpy as np

from harness.declare.pair import Pair
from harness.judge.quality.accuracy import accuracy
from harness.judge.ratios import bootstrap_seed
from harness.judge.statistics import Interval, median_interval
from harness.studies.variants.evidence import Place, Study, Times
from harness.studies.variants.finding import At, VariantRow

TAIL = 0.95


def method_rows(study: Study, pair: Pair) -> tuple[VariantRow, ...]:
    times, flops = study.method, study.flops
    return tuple(
        VariantRow(name, study.known_as.get(name, ""), _row(name, study, pair, times, flops))
        for name in study.names
    )


def baseline_row(study: Study, pair: Pair) -> VariantRow:
    name = study.baseline
    return VariantRow(name, "", _row(name, study, pair, study.plain, study.plain_flops))


def _row(
    name: str, study: Study, pair: Pair, times: Times, flops: Mapping[Place, int]
) -> tuple[At, ...]:
    return tuple(_at((name, steps), study, pair, times, flops) for steps in study.steps)


def _at(place: Place, study: Study, pair: Pair, times: Times, flops: Mapping[Place, int]) -> At:
    tested = study.test.get(place)
    quality = accuracy(tested, same_tasks=study.same_tasks) if tested else None
    calls = [call for found in times.calls.get(place, {}).values() for call in found]
    batch = list(times.batch.get(place, {}).values())
    return At(
        steps=place[1],
        quality=quality.mean if quality else None,
        over_tasks=quality.over_tasks if quality else None,
        seconds=_middle(list(times.single(place).values()), pair, place),
        tail=_tail(calls),
        batch_seconds=median(batch) if batch else None,
        batch_tail=_tail(batch),
        flops=flops.get(place),
    )


def _middle(rounds: list[float], pair: Pair, place: Place) -> Interval | None:
    if not rounds:
        return None
    return median_interval(rounds, seed=bootstrap_seed(pair, f"{place[0]} at {place[1]}"))


def _tail(values: list[float]) -> float | None:
    return float(np.quantile(values, TAIL)) if values else None
