"""Tasks dealt out to the ranks of a team, each of which is judged on one rank for all."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from harness.declare.tree import rows
from harness.team.communicator import Communicator
from suites.fewshot import Tasks


def dealt(batch: Tasks, team: Communicator) -> Tasks:
    """Return this rank's own tasks of a batch."""
    mine: Tasks = rows(batch, team.share(len(batch)))
    return mine


def judged_by_all(batch: Tasks, team: Communicator, judge: Callable[[Tasks], Tensor]) -> Tensor:
    """Return the quality on every task, which its own rank found and told the others."""
    quality, mine = batch.query_x.new_zeros(len(batch)), dealt(batch, team)
    if len(mine):
        quality[team.rank :: team.size] = judge(mine)
    team.all_reduce(quality)
    return quality
