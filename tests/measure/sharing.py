"""Methods that share MAML's work among ranks, well or badly; a plugin of the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient
from harness.declare.outer import AdamState
from harness.registry import method
from harness.team.communicator import Communicator
from suites.fewshot import Tasks


@method("shared")
@dataclass(frozen=True)
class Shared(ReferenceMaml):
    """Takes every so-manieth task, and adds up with the other ranks."""

    shares: ClassVar[bool] = True

    @property
    def team(self) -> Communicator:
        return self.workload.place.team

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        own = list(self.team.share(len(batch)))
        weights = torch.cat([p.detach().flatten() for p in state.params.values()])
        total = torch.zeros(len(weights) + 1, dtype=weights.dtype)
        if own:
            mine = Tasks(*(getattr(batch, name)[own] for name in Tasks.__dataclass_fields__))
            loss, grads = super().meta_gradient(state, mine)
            flat = torch.cat([loss[None], *(g.flatten() for g in grads.values())])
            total = flat * (len(own) / len(batch))
        self.team.all_reduce(total)
        pieces = total[1:].split([p.numel() for p in state.params.values()])
        shaped = zip(state.params.items(), pieces, strict=True)
        return Gradient(total[0], {name: piece.view_as(p) for (name, p), piece in shaped})


class OneGoesWrong(Shared):
    """Lets the last rank of a team of several do something else from the third gradient on."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        seen = self.__dict__.setdefault("seen", [])
        seen.append(None)
        if self.team.rank > 0 and self.team.rank == self.team.size - 1 and len(seen) > 2:
            self.go_wrong()
        return super().meta_gradient(state, batch)

    def go_wrong(self) -> None:
        raise NotImplementedError


@method("one_raises")
@dataclass(frozen=True)
class OneRaises(OneGoesWrong):
    """Raises in one rank."""

    def go_wrong(self) -> None:
        raise RuntimeError("out of ideas")


@method("one_is_killed")
@dataclass(frozen=True)
class OneIsKilled(OneGoesWrong):
    """Is killed in one rank, in the middle of a step."""

    def go_wrong(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@method("one_leaves")
@dataclass(frozen=True)
class OneLeaves(OneGoesWrong):
    """Ends in one rank without a word, as compiled code may."""

    def go_wrong(self) -> None:
        os._exit(0)


@method("one_exits")
@dataclass(frozen=True)
class OneExits(OneGoesWrong):
    """Exits in one rank, as if all had been done."""

    def go_wrong(self) -> None:
        sys.exit(0)


@method("one_hangs")
@dataclass(frozen=True)
class OneHangs(OneGoesWrong):
    """Starts a process of its own in every rank, and does not come back in one."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        if "seen" not in self.__dict__:
            program = f"import time; time.sleep(600)  # orphan of {os.getppid()}"
            subprocess.Popen([sys.executable, "-c", program])
        return super().meta_gradient(state, batch)

    def go_wrong(self) -> None:
        time.sleep(600)


@method("one_never_begins")
@dataclass(frozen=True)
class OneNeverBegins(Shared):
    """Does not come back in one rank, before its first step."""

    def init(self, seed: int) -> AdamState:
        if self.team.rank > 0:
            time.sleep(600)
        return super().init(seed)


@method("all_raise")
@dataclass(frozen=True)
class AllRaise(Shared):
    """Raises in every rank."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        raise RuntimeError("out of ideas")


@method("drifts")
@dataclass(frozen=True)
class Drifts(Shared):
    """Takes a step of its own in every rank."""

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = self.meta_gradient(state, batch)
        own = {name: g * (1 + 1e-12 * self.team.rank) for name, g in grads.items()}
        return state.update(own, self.workload.outer_lr), loss


@method("wrong_in_one")
@dataclass(frozen=True)
class WrongInOne(Shared):
    """Returns a gradient that is off in the last rank alone."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        off = 1 + 1e-3 * (self.team.rank == self.team.size - 1)
        return Gradient(loss, {name: g * off for name, g in grads.items()})


@method("forgets_a_task")
@dataclass(frozen=True)
class ForgetsATask(Shared):
    """Divides by what its rank has where the batch can't be shared out evenly."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        odd = len(batch) % self.team.size != 0
        off = 1.5 if odd else 1.0
        return Gradient(loss, {name: g * off for name, g in grads.items()})


class OneRaisesInACheck(Shared):
    """Lets rank 1 raise on the fourth gradient that its process takes, and on no other."""

    taken: ClassVar[list[None]] = []

    def raise_once(self) -> None:
        self.taken.append(None)
        if self.team.rank == 1 and len(self.taken) == 4:
            raise ValueError("out of ideas")


@method("one_raises_before_a_sum")
@dataclass(frozen=True)
class OneRaisesBeforeASum(OneRaisesInACheck):
    """Raises while the others sum."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        self.raise_once()
        return super().meta_gradient(state, batch)


@method("one_raises_after_a_sum")
@dataclass(frozen=True)
class OneRaisesAfterASum(OneRaisesInACheck):
    """Raises when the others have what they need of it."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        gradient = super().meta_gradient(state, batch)
        self.raise_once()
        return gradient


@method("late")
@dataclass(frozen=True)
class Late(Shared):
    """Comes later to every sum in rank 1 than in rank 0."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        time.sleep(0.02 * self.team.rank)
        return super().meta_gradient(state, batch)
