"""How often the condition on accuracy lets a variant pass that loses nothing, or something.

    python -m benchmarks.power                          # as suites lambda and lambda_training ask
    python -m benchmarks.power seeds=5 tasks=400        # as another suite might

A variant may lose no more than a point, by a one-sided bound over seeds. Here what a variant
changes of a task's accuracy scatters by so many points, and nothing scatters from training to
training: in a suite that trains every variant for itself the condition has less power still.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.rates import with_interval
from harness.config import split_words, whole
from harness.errors import HarnessError
from harness.judge.quality.accuracy import non_inferior

MARGIN = 0.01
LOSSES = (0.0, 0.005, 0.01)
STUDIES = {"lambda": 200, "lambda_training": 100}
WORDS = {
    "seeds": "seeds (default: 3)",
    "tasks": "test tasks of a seed (default: those of the suites of patterns)",
    "points": "how much a task's change scatters, in points (default: 6)",
    "trials": "simulated studies (default: 2000)",
}


def passes(rng: np.random.Generator, loss: float, scatter: float, seeds: int, tasks: int) -> bool:
    """Say whether one simulated variant that loses so much is called not worse."""
    gains = rng.normal(-loss, scatter, (seeds, tasks))
    method = {seed: row.tolist() for seed, row in enumerate(gains)}
    baseline = {seed: [0.0] * tasks for seed in range(seeds)}
    return non_inferior(baseline, method, MARGIN).standing == "not worse"


def main(words: list[str]) -> int:
    try:
        given = split_words(words, WORDS)
        seeds = whole("seeds", given.get("seeds", "3"), least=2)
        points = whole("points", given.get("points", "6"))
        trials = whole("trials", given.get("trials", "2000"), most=10**6)
        studies = STUDIES
        if "tasks" in given:
            studies = {"this study": whole("tasks", given["tasks"], least=2)}
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    rng = np.random.default_rng(1)
    for name, tasks in studies.items():
        for loss in LOSSES:
            passed = sum(passes(rng, loss, points / 100, seeds, tasks) for _ in range(trials))
            rate = with_interval(passed, trials)
            print(f"{name}, {seeds} seeds of {tasks} tasks, loses {loss:.1%}: passes in {rate}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
