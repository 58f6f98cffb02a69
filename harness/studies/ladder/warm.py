"""The first meta-update of a second process, which finds on disk what the first one compiled."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

from harness.declare.learner import Learner, workload_of
from harness.errors import MeasurementError
from harness.measure.block import Block, block_from
from harness.measure.passes import clock_of


def first_update(block: Block, learner: Learner, draw: int = 0, times: int = 1) -> list[float]:
    """Return the seconds of the first meta-update on a draw of tasks, and of its repetitions."""
    clock, seed = clock_of(block, learner), block.task_seed
    state, batch = learner.init(seed), workload_of(learner).train_batch(seed, draw)
    return [clock.time(lambda _: learner.step(state, batch), 1).span for _ in range(times)]


def in_another_process(block: Block) -> float:
    """Return the seconds of the first meta-update in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=block.to_json(),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
        raise MeasurementError(
            f"a second process that was to find what was compiled ended with status "
            f"{done.returncode}: {last}"
        )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    from harness.measure.engines.local import ALWAYS
    from harness.measure.run import imports_of
    from harness.measure.worker import make_learner, settle
    from harness.registry import Registry

    block = block_from(sys.stdin.read())
    registry = Registry(block.plugins)
    for module in (*ALWAYS, *imports_of(block, registry)):  # as a worker's server has before it
        importlib.import_module(module)
    settle(block)
    learner = make_learner(block, registry)
    print(*first_update(block, learner))


if __name__ == "__main__":
    main()
