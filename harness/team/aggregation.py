"""What the ranks of a team measured, put together: one block has one record."""

from __future__ import annotations

import json
from typing import Any

from harness.errors import MeasurementError
from harness.team.communicator import Communicator


def told_by_all(team: Communicator, mine: Any) -> list[Any]:
    """Return what every rank has to tell, by rank; plain values alone."""
    return [json.loads(text) for text in team.gather(json.dumps(mine))]


def slowest(team: Communicator, seconds: float) -> float:
    """Return the seconds of the rank that took longest: nobody is done before it."""
    longest: float = max(told_by_all(team, seconds))
    return longest


def require_agreement(team: Communicator, what: str, mine: Any) -> None:
    """Refuse to go on where ranks that must hold the same do not, to the bit."""
    # As text, for a NaN is not equal to itself.
    first, *others = team.gather(json.dumps(mine))
    for rank, other in enumerate(others, start=1):
        if other != first:
            raise MeasurementError(f"rank {rank} of {team.size} has other {what} than rank 0")
