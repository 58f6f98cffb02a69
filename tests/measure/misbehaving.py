"""Methods that fail in every way that a block must survive; a plugin of the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient
from harness.declare.outer import AdamState
from harness.registry import baseline, method
from suites.fewshot import Tasks


@method("raises")
@dataclass(frozen=True)
class Raises(ReferenceMaml):
    """Raises an error."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        raise RuntimeError("out of ideas\nand of words")


@method("leaves")
@dataclass(frozen=True)
class Leaves(ReferenceMaml):
    """Exits, as if all had been done."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        sys.exit(0)


@baseline("baseline_that_raises")
@dataclass(frozen=True)
class BaselineThatRaises(Raises):
    """Raises an error, as a baseline."""


@method("not_finite")
@dataclass(frozen=True)
class NotFinite(ReferenceMaml):
    """Returns NaN."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {name: g * float("nan") for name, g in grads.items()})


@method("hangs")
@dataclass(frozen=True)
class Hangs(ReferenceMaml):
    """Starts a process of its own and never comes back."""

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # orphan"])
        time.sleep(600)
        return super().step(state, batch)


@method("greedy")
@dataclass(frozen=True)
class Greedy(ReferenceMaml):
    """Asks for more memory than there is."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        torch.empty(1 << 46, dtype=torch.uint8)
        return super().meta_gradient(state, batch)


@method("dies")
@dataclass(frozen=True)
class Dies(ReferenceMaml):
    """Ends its process, as a crash in compiled code would."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        os.abort()


@method("wrong")
@dataclass(frozen=True)
class Wrong(ReferenceMaml):
    """Returns a gradient that is off by one part in ten thousand."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {name: g * 1.0001 for name, g in grads.items()})


@method("needs_absent_peer")
@dataclass(frozen=True)
class NeedsAbsentPeer(ReferenceMaml):
    """Imports a package that nobody has."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        import a_package_that_nobody_has  # noqa: F401

        return super().meta_gradient(state, batch)


@method("unlucky")
@dataclass(frozen=True)
class Unlucky(ReferenceMaml):
    """Is killed in its first process and stopped for a moment in its second, by somebody else."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        met = Path(os.environ["UNLUCKY"])
        if not met.exists():
            met.write_text("killed")
            os.kill(os.getpid(), signal.SIGKILL)
        elif met.read_text() == "killed":
            met.write_text("stopped")
            subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -CONT {os.getpid()}"])
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().meta_gradient(state, batch)


@method("keeps_a_diary")
@dataclass(frozen=True)
class KeepsADiary(ReferenceMaml):
    """Writes down when each of its steps began and ended, in a file of its process."""

    diary: str = "."

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        began = time.monotonic()
        time.sleep(0.01)
        done = super().step(state, batch)
        with Path(self.diary, str(os.getpid())).open("a") as file:
            file.write(f"{began} {time.monotonic()}\n")
        return done
