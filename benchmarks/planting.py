"""Planted changes: commits that make a learner slower, heavier or wrong in a known way.

They are made in a clone of the project, by lines at the end of a learner's file. Tests and
benchmarks hold the gate to them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

SLOWER = """

def _slower(step):
    import time

    def slower(self, state, batch):
        start = time.thread_time()
        answer = step(self, state, batch)
        end = time.thread_time()
        end += {share} * (end - start)  # so much more work, whatever else the machine does
        while time.thread_time() < end:
            pass
        return answer

    return slower


{learner}.step = _slower({learner}.step)
"""

HEAVIER = """

def _heavier(step):
    import torch

    def heavier(self, state, batch):
        ballast = torch.ones({floats})
        answer = step(self, state, batch)
        del ballast
        return answer

    return heavier


{learner}.step = _heavier({learner}.step)
"""

BUSIER = """

def _busier(adapt):
    import torch

    def busier(self, state, batch):
        square = torch.ones({size}, {size})
        square @ square
        return adapt(self, state, batch)

    return busier


{learner}.adapt = _busier({learner}.adapt)
"""

CROWDED = """

def _crowded(step):
    import threading

    import torch

    def busy(stop):
        square = torch.ones(300, 300)
        while not stop.is_set():
            square @ square  # without the interpreter's lock

    def crowded(self, state, batch):
        stop = threading.Event()
        threads = [threading.Thread(target=busy, args=(stop,)) for _ in range(6)]
        for each in threads:
            each.start()
        answer = step(self, state, batch)
        stop.set()
        for each in threads:
            each.join()
        return answer

    return crowded


{learner}.step = _crowded({learner}.step)
"""

WRONG = """

def _wrong(meta_gradient):
    def wrong(self, state, batch):
        loss, grads = meta_gradient(self, state, batch)
        return Gradient(loss, {{name: grad * {factor} for name, grad in grads.items()}})

    return wrong


{learner}.meta_gradient = _wrong({learner}.meta_gradient)
"""


@dataclass(frozen=True)
class Clone:
    """A clone of the project with commits of its own."""

    root: Path

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=planter", "-c", "user.email=planter@localhost")
        done = subprocess.run(
            ["git", "-C", str(self.root), *identity, *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def plant(self, file: str, lines: str, title: str) -> str:
        """Commit lines at the end of a file, on top of what is checked out; return the commit."""
        with (self.root / file).open("a") as learner:
            learner.write(lines)
        return self.commit(title)

    def commit(self, title: str) -> str:
        self.git("add", "--all")
        self.git("-c", "core.hooksPath=/dev/null", "commit", "--allow-empty", "-qm", title)
        return self.git("rev-parse", "HEAD")


def clone(source: Path, folder: Path) -> Clone:
    """Clone the project as it is checked out, with its uncommitted changes as a commit more."""
    subprocess.run(
        ["git", "clone", "-q", "--no-hardlinks", str(source), str(folder)],
        capture_output=True,
        check=True,
    )
    made = Clone(folder)
    original = Clone(source)
    changed = original.git("ls-files", "--modified", "--others", "--exclude-standard").splitlines()
    for name in changed:
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((source / name).read_bytes())
        else:
            (folder / name).unlink()
    if changed:
        made.commit("what was not committed yet")
    return made
