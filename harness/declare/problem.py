"""A problem on which a learner's gradient is compared with the oracle's.

A family's problems are a class under @problems with

    oracle      the name of the baseline that gives the exact gradient
    strategy()  a hypothesis strategy for a Problem
    presumed    if need be: settings "workload.*" at which the oracle is what the family's learners
                approach. Limits and distances are taken there; definitions hold everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.declare.workload import Workload
from harness.team.communicator import Communicator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True, repr=False)
class Problem:
    """A small workload in float64, and the seed of its weights and tasks."""

    workload: Workload
    seed: int

    def with_settings(self, **changes: Any) -> Problem:
        return dataclasses.replace(self, workload=dataclasses.replace(self.workload, **changes))

    def in_float32(self) -> Problem:
        return self.with_settings(place=dataclasses.replace(self.workload.place, dtype="float32"))

    def shared_by(self, team: Communicator) -> Problem:
        """Return the problem as the ranks of a team have it."""
        return self.with_settings(place=dataclasses.replace(self.workload.place, team=team))

    @property
    def inner_steps(self) -> int:
        """The length of the loop that rounding errors grow along, 1 where there is none."""
        return max(1, int(getattr(self.workload, "inner_steps", 1)))

    def __repr__(self) -> str:
        settings = {
            field.name: getattr(self.workload, field.name)
            for field in dataclasses.fields(self.workload)
            if field.name != "place"
            and getattr(self.workload, field.name) != field.default  # the rest goes without saying
        }
        return " ".join(f"{k}={v}" for k, v in (settings | {"seed": self.seed}).items())


def problems_for(
    family: Any, learner_class: Any, settings: Mapping[str, Any]
) -> SearchStrategy[Problem]:
    """Return the family's problems, made to fit a learner of these settings."""
    drawn: SearchStrategy[Problem] = family.strategy()
    needed: dict[str, Any] = learner_class.workload_needed(settings)
    return drawn.map(lambda problem: problem.with_settings(**needed)) if needed else drawn
