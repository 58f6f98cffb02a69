"""QMAML: MAML with the tasks of a meta-batch dealt out to the ranks of a team.

Kunde, Pandit, Mishra and Singhal, "Distributed training for accelerating metalearning algorithms"
(2021). With B tasks and W ranks, on every rank r:

    theta_0 = broadcast of rank 0's
    S_r     = tasks r, r + W, r + 2 W, ... of the B
    g_r     = 1/B sum over S_r of d/dtheta L_query_i(theta_i)    by any implementation of MAML
    g       = sum over all ranks of g_r                          one all-reduce
    theta   = Adam(theta, g)                                     the same on every rank

Nothing is approximated, whether W divides B or not: a rank without tasks adds zeros. So the method
is Exact, and its learning curve is the one-process run's. The loss rides in the gradient's buffer,
so that a meta-step costs one all-reduce of as many numbers as there are weights, and one more.

The ranks never exchange their weights again. They stay equal to the bit because all of them feed
the same sum to the same optimizer.

`inner` names the implementation that each rank's tasks are given to. learn2learn's is the paper's
setting; batched_maml tells what distribution gives from what batching gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.flat import flat, shaped
from baselines.maml import MamlLearner, maml_named
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from harness.team.communicator import Alone, Communicator
from methods.dealt_tasks import dealt, judged_by_all
from suites.fewshot import Tasks


@method("qmaml")
@dataclass(frozen=True)
class Qmaml(MamlLearner):
    """MAML with a meta-batch's tasks dealt out to the ranks, and one all-reduce a meta-step."""

    inner: str = "learn2learn_maml"
    """The implementation of MAML that a rank's own tasks are given to."""

    equivalence: ClassVar[Equivalence] = Exact()
    shares: ClassVar[bool] = True
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"inner": "reference_maml"},)

    def __post_init__(self) -> None:
        _ = self._one  # what is missing or misnamed is told before any work

    def init(self, seed: int) -> AdamState:
        params = self.workload.initial(seed)
        theta = flat(params)
        self._team.broadcast(theta)
        return AdamState.start(shaped(theta, params))

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        mine = dealt(batch, self._team)
        if len(mine):
            loss, grads = self._one.meta_gradient(state, mine)
            buffer = torch.cat(
                [loss.reshape(1), flat({name: grads[name] for name in state.params})]
            )
            buffer *= len(mine) / len(batch)  # it held the mean over the rank's own tasks
        else:
            entries = sum(p.numel() for p in state.params.values())
            buffer = batch.query_x.new_zeros(1 + entries)
        self._team.all_reduce(buffer)
        return Gradient(buffer[0], shaped(buffer[1:], state.params))

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return the adapted parameters of this rank's tasks, which stay where they are used."""
        mine = dealt(batch, self._team)
        return self._one.adapt(state, mine) if len(mine) else []

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        """Judge each task on one rank, and let all ranks know."""
        return judged_by_all(batch, self._team, partial(self._one.evaluate, state))

    def preparations(self) -> Sequence[float]:
        return self._one.preparations()

    def fast_paths(self) -> dict[str, str]:
        return self._one.fast_paths()

    @property
    def _team(self) -> Communicator:
        return self.workload.place.team

    @cached_property
    def _one(self) -> MamlLearner:
        """The inner implementation, which is given a rank's own tasks and knows of no team."""
        place = replace(self.workload.place, team=Alone())
        made: MamlLearner = maml_named(self.inner)(replace(self.workload, place=place))
        return made
