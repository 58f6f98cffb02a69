"""The first meta-update of a second process, which finds on disk what the first one compiled."""

from __future__ import annotations

import os
import subprocess
import sys

from harness.declare.learner import Learner, workload_of
from harness.measure.block import Block, block_from
from harness.measure.passes import clock_of


def first_update(block: Block, learner: Learner, draw: int = 0, times: int = 1) -> list[float]:
    """Return the seconds of the first meta-update on a draw of tasks, and of its repetitions."""
    clock, seed = clock_of(block, learner), block.task_seed
    state, batch = learner.init(seed), workload_of(learner).train_batch(seed, draw)
    return [clock.time(lambda _: learner.step(state, batch), 1).span for _ in range(times)]


def in_another_process(block: Block) -> float | None:
    """Return the seconds of the first meta-update in a process of its own; None if it has none."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=block.to_json(),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return float(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main() -> None:
    from harness.measure.worker import make_learner, settle
    from harness.registry import Registry

    block = block_from(sys.stdin.read())
    settle(block)
    learner = make_learner(block, Registry(block.plugins))
    print(*first_update(block, learner))


if __name__ == "__main__":
    main()
