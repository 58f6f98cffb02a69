"""Train the plain RNN optimizer on quadratics, and compare it with its hand-tuned rivals.

    python -m baselines.rnn_optimizer_training

The training is that of the public PyTorch reproduction: one quadratic at a time, Adam at 3e-3,
epochs of 20 quadratics (100 meta-updates), and after each the mean summed loss on 100 fresh
quadratics; the weights with the lowest of these means are kept. That lowest mean is what the
reproduction reports. Being the least of many noisy ones it is too low, so the weights that were
kept are tested on quadratics that nothing was chosen by.

The rivals' rates are searched for on validation quadratics, once by summed and once by final loss,
and each is tested on the very quadratics that the learned optimizer is tested on.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from baselines import hand_tuned
from baselines.rnn import run_learned
from baselines.rnn_optimizer import RnnOptimizer
from baselines.rnn_optimizer_result import QUALITIES, Comparison, Trained, result_of, write
from harness.declare.learner import Params
from harness.errors import HarnessError, MeasurementError, UsageError
from suites.quadratics import Quadratics

OUT = "results/reference/rnn_optimizer_quadratics"


@dataclass(frozen=True)
class Training:
    """How long is trained, and on how many quadratics each thing is found out."""

    seeds: int = 5
    epochs: int = 100
    epoch: int = 20
    """Quadratics of an epoch."""
    watched: int = 100
    """Fresh validation quadratics after each epoch."""
    tuned_on: int = 5000
    """Validation quadratics of the rivals' search."""
    tested_on: int = 2000

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value < 1:
                raise UsageError(f"{name} = {value}: must be at least 1.")


def train(workload: Quadratics, training: Training, seed: int) -> Trained:
    """Train with one seed."""
    learner = RnnOptimizer(workload)
    state, curve, kept = learner.init(seed), [], {}
    windows = training.epoch * workload.windows // workload.functions
    for epoch in range(training.epochs):
        for index in range(epoch * windows, (epoch + 1) * windows):
            state, _ = learner.step(state, workload.train_batch(seed, index))
        fresh = workload.eval_batch(seed, "valid", epoch * training.watched, training.watched)
        curve.append(float(run_learned(workload, state.outer.params, fresh).summed.mean()))
        if not math.isfinite(curve[-1]):
            raise MeasurementError(f"seed {seed}: the loss diverged in epoch {epoch + 1}.")
        if curve[-1] == min(curve):
            kept = state.outer.params
    return Trained(tuple(curve), kept)


def compare(workload: Quadratics, training: Training, seed: int, weights: Params) -> Comparison:
    """Test weights, and the rivals tuned on validation quadratics, on the test quadratics."""
    tuning = workload.eval_batch(seed, "valid", 0, training.tuned_on)
    functions = workload.eval_batch(seed, "test", 0, training.tested_on)
    searches = {rival: hand_tuned.tune(rival, tuning, QUALITIES) for rival in hand_tuned.RIVALS}
    runs = {
        rival: {
            name: hand_tuned.run(rival, tuned.rate, functions) for name, tuned in by_name.items()
        }
        for rival, by_name in searches.items()
    }
    return Comparison(run_learned(workload, weights, functions), runs, searches)


def _word(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m baselines.rnn_optimizer_training",
        description="Train the plain RNN optimizer on quadratics; compare it with tuned rivals.",
    )
    for field in dataclasses.fields(Training):
        parser.add_argument(
            _word(field.name), type=int, default=field.default, help="default: %(default)s"
        )
    parser.add_argument("--out", type=Path, default=Path(OUT), help="default: %(default)s")
    options = vars(parser.parse_args(arguments))
    out = options.pop("out")
    try:
        training = Training(**options)
        torch.set_num_threads(1)
        workload = Quadratics(outer_lr=3e-3)
        trained, tested = {}, {}
        for seed in range(training.seeds):
            trained[seed] = train(workload, training, seed)
            tested[seed] = compare(workload, training, seed, trained[seed].weights)
            print(
                f"seed {seed}: kept epoch {trained[seed].kept}, its validation mean "
                f"{min(trained[seed].curve):.2f}, test {tested[seed].learned.summed.mean():.2f}",
                flush=True,
            )
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    settings = dataclasses.asdict(training)
    words = [f"{_word(name)} {value}" for name, value in settings.items()]
    command = " ".join(["python -m baselines.rnn_optimizer_training", *words])
    write(out, {"command": command} | result_of(settings, workload, trained, tested), trained)
    return 0


if __name__ == "__main__":
    sys.exit(main())
