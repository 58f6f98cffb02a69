"""All learners on one workload, whatever pairs they were measured in: costs, quality, profiles."""

from __future__ import annotations

from dataclasses import dataclass

from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.studies.side_by_side.costs import Costs, costs
from harness.studies.side_by_side.learners import FEWEST
from harness.studies.side_by_side.profiles import Profile, profiles
from harness.studies.side_by_side.standings import Standings, standings


@dataclass(frozen=True)
class Finding:
    costs: tuple[Costs, ...]
    standings: tuple[Standings, ...]
    profiles: tuple[Profile, ...]


def find(evidence: Evidence, judgement: Judgement) -> Finding:
    """Compare all learners; of pairs that are withheld there is nothing."""
    spent = tuple(costs(evidence, judgement))
    return Finding(
        tuple(each for each in spent if len(each.learners) >= FEWEST),
        tuple(standings(evidence, judgement, spent)),
        tuple(profiles(judgement)),
    )
