"""Readings of a method on several ranks: what it took, and what of that was sums and waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.declare.pair import MEMBERS, Member, Pair
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.records.seen import OPERATIONS, STEP, Times


@dataclass(frozen=True)
class Placed:
    """The processes of a member, and the threads of each."""

    processes: int
    threads: int | None


@dataclass(frozen=True)
class Reading:
    """What a pair on several ranks took."""

    pair: str
    placed: dict[Member, Placed]
    efficiency: Interval | None  # the ratio by the ranks, where each has the baseline's cores
    allreduce_calls: int | None  # of a step
    allreduce_bytes: int | None
    allreduce_s: float | None
    imbalance_s: float | None
    step_s: float | None  # which both are part of


def readings(evidence: Evidence, judgement: Judgement) -> tuple[Reading, ...]:
    """Return the readings of all pairs on several ranks; of those that are withheld, nothing."""
    return tuple(_reading(evidence, judged) for judged in judgement.pairs if judged.pair.ranks > 1)


def _reading(evidence: Evidence, judged: PairJudgement) -> Reading:
    pair = judged.pair
    times = [seen for _, seen in evidence.usable(pair, STEP, "method")]
    counted = [seen for _, seen in evidence.usable(pair, OPERATIONS, "method")]
    sums = next((seen for seen in counted if seen.allreduce_calls is not None), None)
    return Reading(
        pair.name,
        {member: each for member in MEMBERS if (each := _placed(evidence, pair, member))},
        _efficiency(judged),
        sums.allreduce_calls if sums else None,
        sums.allreduce_bytes if sums else None,
        _middle([seen.allreduce_seconds for seen in times]),
        _middle([seen.imbalance_seconds for seen in times]),
        _middle([seen.seconds for seen in times]),
    )


def _placed(evidence: Evidence, pair: Pair, member: Member) -> Placed | None:
    for record, _ in evidence.usable(pair, STEP, member):
        return Placed(record.processes or 1, record.threads)
    return None


def _efficiency(judged: PairJudgement) -> Interval | None:
    found = judged.ratio("step_time")
    if found is None or found.interval is None or judged.pair.cores == "same":
        return None
    whole, ranks = found.interval, judged.pair.ranks
    return replace(
        whole,
        low=whole.low / ranks,
        estimate=whole.estimate / ranks,
        high=whole.high / ranks,
    )


def _middle(values: Sequence[Times | tuple[float, ...] | None]) -> float | None:
    medians = [median(each) for each in values if isinstance(each, tuple) and each]
    return median(medians) if medians else None
