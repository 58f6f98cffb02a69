"""The distances of all learners, on each workload and at each point that they were put to."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.declare.pair import MEMBERS, with_settings
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.studies.gradient_distance import DISTANCE, Distances


@dataclass(frozen=True)
class Distance:
    """One learner's distances over all draws; those without a direction have no cosine."""

    learner: str
    cosines: tuple[float, ...]
    draws: int
    median_cosine: float | None
    least_cosine: float | None
    median_error: float
    largest_error: float


@dataclass(frozen=True)
class There:
    """The learners that were put to the same draws."""

    workload: str
    learners: tuple[Distance, ...]


def find(evidence: Evidence, judgement: Judgement) -> tuple[There, ...] | None:
    """Gather the distances; a learner that several pairs share has them once."""
    found: dict[str, dict[str, Distance]] = {}
    for judged in judgement.pairs:
        pair = judged.pair
        for point in pair.points_of(DISTANCE.name):
            here = pair.at(point)
            there = found.setdefault(with_settings(here.workload, here.settings), {})
            for member in MEMBERS:
                learner = with_settings(here.learner(member), here.learner_settings(member))
                for _, seen in evidence.usable(pair, DISTANCE, member, pair.part_of(member, point)):
                    there.setdefault(learner, _distance(learner, seen))
    places = (There(workload, tuple(each.values())) for workload, each in found.items() if each)
    return tuple(places) or None


def _distance(learner: str, seen: Distances) -> Distance:
    return Distance(
        learner,
        seen.directed,
        len(seen.errors),
        statistics.median(seen.directed) if seen.directed else None,
        min(seen.directed, default=None),
        statistics.median(seen.errors),
        max(seen.errors),
    )
