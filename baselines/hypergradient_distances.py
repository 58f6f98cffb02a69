"""How far each hypergradient is from the true one, where gradient descent trained and where Adam.

    python -m baselines.hypergradient_distances [LEARNER ...] [--seeds N] [--threads N]

A check takes distances where gradient descent has solved the base problem. There nothing of Adam is
seen, and SAMA is no other than without adaptation. Here both optimizers take the family's number of
base steps, on the same problems.

Problems whose meta model is shown losses of the base model, as in reweighting, are told apart from
those where it is shown nothing of it: on them darts_hypergradient, sama_na and sama find something
else than the product that they stand for, as methods.sama says.

A gradient of zero has no direction: it has no cosine, and the table says how many were left out.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from baselines.countdown import Countdown, use_threads
from baselines.flat import flat
from harness.declare.learner import Gradient, Params
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import HarnessError, UsageError
from harness.registry import Registry
from suites.bilevel_problems import BilevelProblems, RandomBilevel

LEARNERS = (
    "cg_hypergradient",
    "neumann_hypergradient",
    "unrolled_hypergradient",
    "darts_hypergradient",
    "sama_na",
    "sama",
)
SHOWN = {"nothing": ("ridge", "weights", "network", "logistic"), "losses": ("losses",)}
"""The kinds of problems by what their meta model is shown of the base model."""
RATES = {"sgd": 1.0, "adam": 0.1}


@dataclass(frozen=True)
class Distance:
    """A learner's distance to the true hypergradient over some problems."""

    learner: str
    optimizer: str
    shown: str
    cosines: tuple[float | None, ...]
    """None where either of the two gradients is zero."""
    errors: tuple[float, ...]

    @property
    def directed(self) -> tuple[float, ...]:
        """The cosines that there are."""
        return tuple(cosine for cosine in self.cosines if cosine is not None)

    @property
    def figures(self) -> tuple[float | None, float | None, float, float]:
        """Median and least cosine, None if there is none, median and largest relative error."""
        return (
            statistics.median(self.directed) if self.directed else None,
            min(self.directed, default=None),
            statistics.median(self.errors),
            max(self.errors),
        )


def distances(learners: Sequence[str], seeds: int) -> Iterator[Distance]:
    registry = Registry()
    classes = {name: registry.find(name, "baseline", "method").load() for name in learners}
    for name, learner_class in classes.items():
        if learner_class.family != RandomBilevel.family:
            raise UsageError(
                f"{name} is of the family {learner_class.family!r}, and distances are taken on "
                f"{RandomBilevel.family!r} problems. Name a learner such as {LEARNERS[0]}."
            )
    oracle_class = registry.find(BilevelProblems.oracle, "baseline").load()
    for optimizer, shown in product(RATES, SHOWN):
        problems = [
            (_problem(kind, optimizer), seed) for kind in SHOWN[shown] for seed in range(seeds)
        ]
        owed = [_gradient(oracle_class, *problem) for problem in problems]
        for name, learner_class in classes.items():
            found = [_gradient(learner_class, *problem) for problem in problems]
            pairs = list(zip(found, owed, strict=True))
            yield Distance(
                name,
                optimizer,
                shown,
                tuple(cosine(*pair) for pair in pairs),
                tuple(relative_error(*pair) for pair in pairs),
            )


def _problem(kind: str, optimizer: str) -> RandomBilevel:
    steps = BilevelProblems.presumed["workload.unroll"]
    rate = RATES[optimizer]
    settings = {"kind": kind, "base_optimizer": optimizer, "base_lr": rate, "unroll": steps}
    return build(RandomBilevel, settings, "problem", Place(dtype="float64"))


def _gradient(learner_class: Any, workload: RandomBilevel, seed: int) -> Params:
    learner = learner_class(workload)
    found: Gradient = learner.meta_gradient(learner.init(seed), workload.train_batch(seed, 0))
    return found.grads


def cosine(found: Params, owed: Params) -> float | None:
    left, right = flat(found), flat({name: owed[name] for name in found})
    lengths = left.norm() * right.norm()
    return float(left @ right / lengths) if lengths > 0 else None


def table(found: Sequence[Distance]) -> str:
    """Write the distances in columns."""
    lines = []
    for optimizer, shown in dict.fromkeys((each.optimizer, each.shown) for each in found):
        lines += [
            f"base optimizer {optimizer}, {shown} shown",
            f"  {'learner':26}{'cosine':>10}{'least':>10}{'error':>10}{'largest':>10}",
        ]
        block = [e for e in found if (e.optimizer, e.shown) == (optimizer, shown)]
        lines += map(_row, block)
    return "\n".join(lines)


def _row(each: Distance) -> str:
    cells = (f"{'-' if figure is None else f'{figure:.3f}':>10}" for figure in each.figures)
    zeros = len(each.cosines) - len(each.directed)
    note = f"  ({zeros} of {len(each.cosines)} without a direction)" if zeros else ""
    return f"  {each.learner:26}{''.join(cells)}{note}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m baselines.hypergradient_distances",
        description="Median and least cosine to the true hypergradient, and median and largest "
        "relative error, over random problems.",
    )
    parser.add_argument("learners", metavar="LEARNER", nargs="*", help="(default: all our own)")
    parser.add_argument("--seeds", type=int, default=10, help="of each kind of problem")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    options = parser.parse_args(arguments)
    learners = options.learners or LEARNERS
    try:
        if options.seeds < 1:
            raise UsageError(f"--seeds {options.seeds}: give 1 or more.")
        use_threads(options.threads)
        countdown, found = Countdown(len(RATES) * len(SHOWN) * len(learners)), []
        for each in distances(learners, options.seeds):
            found.append(each)
            countdown.finished(
                f"base optimizer {each.optimizer}, {each.shown} shown, {each.learner}"
            )
        print(table(found))
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
