"""Leave out training examples by learned weights, and by what others leave them out by.

    python -m baselines.data_pruning

Examples are scored once, then fractions of the best are kept and a model is trained on them alone,
from the same start and for as many steps. Each is done anew for every seed: what a row says is the
mean test accuracy over seeds with its 95 % interval, and that of its lead over random pruning.

Learned weights are looked at twice: with the meta loss on the training data under their own labels,
as in SAMA's paper, and with it on clean data, which neither EL2N nor GraNd has seen.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from baselines import pruning_scores as scores
from baselines.bilevel import BilevelLearner
from baselines.countdown import Countdown, use_threads
from baselines.fine_tuning import FineTuning
from baselines.pruning_scores import Scoring
from harness.declare.settings import build
from harness.declare.workload import Place
from harness.errors import HarnessError, UsageError
from harness.judge.quality import accuracy
from harness.registry import Registry
from harness.seeds import derive
from suites.bilevel import BilevelBatch
from suites.labelled_images import LabelledImages
from suites.reweighting import Labelled

OUT = "results/reference/data_pruning.json"
FRACTIONS = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1)

Accuracies = dict[str, dict[float, dict[int, float]]]
"""Test accuracy by what examples were kept by, by the fraction that was kept, and by seed."""


@dataclass(frozen=True)
class Study:
    """On what, by what, and how often examples are left out."""

    workload: str = "noisy_mnist"
    learner: str = "sama"
    noise: tuple[float, ...] = (0.0, 0.4)
    seeds: int = 5
    steps: int = 400
    """Base steps on what is kept."""
    scoring: Scoring = field(default_factory=Scoring)

    def __post_init__(self) -> None:
        for name in ("seeds", "steps"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}: must be at least 1.")


def pruned(
    study: Study, noise: float, data_dir: str | None = None, countdown: Countdown | None = None
) -> Accuracies:
    """Return what models reach on the examples that are kept."""
    found: Accuracies = {}
    scores_by_name = _scores(study, noise, data_dir)
    countdown = countdown or Countdown(study.seeds * len(scores_by_name))
    for seed in range(study.seeds):
        for name, score in scores_by_name.items():
            order = score(seed).argsort(descending=True, stable=True)
            workload = _workload(study, data_dir, noise=noise)
            for fraction in FRACTIONS:
                kept = order[: max(1, round(fraction * len(order)))]
                by_seed = found.setdefault(name, {}).setdefault(fraction, {})
                by_seed[seed] = trained_on(workload, kept, seed, study.steps)
            countdown.finished(f"noise {noise}, seed {seed}, {name}")
    return found


def trained_on(workload: LabelledImages, kept: Tensor, seed: int, steps: int) -> float:
    """Return the test accuracy of a model that has seen these examples alone."""
    learner, examples = FineTuning(workload), workload.training_set(seed)
    clean = workload.meta_batch(seed, 0)
    count = min(workload.base_batch_size, len(kept))
    state = learner.init(seed)
    for step in range(steps):
        generator = torch.Generator().manual_seed(derive(seed, "kept", step))
        rows = kept[torch.randperm(len(kept), generator=generator)[:count]]
        batch = Labelled(examples.inputs[rows], examples.labels[rows])
        state, _ = learner.step(state, BilevelBatch((batch,), clean))
    test = workload.eval_batch(seed, "test", 0, workload.held_out_examples("test"))
    return float(learner.evaluate(state, test).mean())


def result_of(study: Study, found: Mapping[float, Accuracies], command: str) -> dict[str, Any]:
    """Return all that was seen, as plain data."""
    return {
        "what": f"test accuracy on {study.workload} after leaving out training examples",
        "command": command,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "study": dataclasses.asdict(study),
        "noise": {
            str(noise): {
                name: {
                    str(fraction): _summary(by_seed, accuracies["random"][fraction])
                    for fraction, by_seed in by_fraction.items()
                }
                for name, by_fraction in accuracies.items()
            }
            for noise, accuracies in found.items()
        },
    }


def lines_of(result: Mapping[str, Any]) -> list[str]:
    """Return the result as the lines of a table."""
    lines = []
    for noise, by_name in result["noise"].items():
        lines.append(f"wrong labels: {float(noise):.0%}; share kept, accuracy, lead over random")
        for name, by_fraction in by_name.items():
            cells = [
                f"{fraction}: {seen['mean']:.3f}{_ends(seen['over_seeds'])}"
                f" {seen['lead']:+.3f}{_ends(seen['lead_over_seeds'])}"
                for fraction, seen in by_fraction.items()
            ]
            lines += [f"  {name}", *(f"    {cell}" for cell in cells)]
    return lines


def _scores(study: Study, noise: float, data_dir: str | None) -> dict[str, Callable[[int], Tensor]]:
    workload, scoring = _workload(study, data_dir, noise=noise), study.scoring

    def learned(judged_by: str) -> Callable[[int], Tensor]:
        judged = _workload(study, data_dir, noise=noise, judged_by=judged_by)
        entry = Registry().find(study.learner, "method", "baseline")
        found = entry.load()
        if not issubclass(found, BilevelLearner):
            raise UsageError(
                f"learner={study.learner} is of the family {found.family!r}, and weights are "
                "learned by learners of the family 'bilevel'. Take sama or cg_hypergradient."
            )
        learner = build(found, {}, entry.name, judged)
        return lambda seed: scores.learned(learner, seed, scoring)

    return {
        "random": lambda seed: scores.random(workload, seed),
        "EL2N": lambda seed: scores.el2n(workload, seed, scoring),
        "EL2N, the least kept": lambda seed: -scores.el2n(workload, seed, scoring),
        "GraNd": lambda seed: scores.grand(workload, seed, scoring),
        f"{study.learner}, meta loss on training data": learned("train"),
        f"{study.learner}, meta loss on clean data": learned("clean"),
    }


def _workload(study: Study, data_dir: str | None, **settings: Any) -> LabelledImages:
    entry = Registry().find(study.workload, "workload")
    given = {"base_optimizer": "adam", "base_lr": 1e-3} | settings
    workload = build(entry.load(), given, entry.name, Place(data_dir=data_dir))
    if not isinstance(workload, LabelledImages):
        raise UsageError(
            f"workload={study.workload} has no labelled images to leave out. "
            "Take noisy_mnist, long_tailed_mnist or cifar10."
        )
    return workload


def _summary(by_seed: Mapping[int, float], control: Mapping[int, float]) -> dict[str, Any]:
    leads = {seed: value - control[seed] for seed, value in by_seed.items()}
    return {
        "mean": round(fmean(by_seed.values()), 5),
        "over_seeds": _interval(by_seed),
        "lead": round(fmean(leads.values()), 5),
        "lead_over_seeds": _interval(leads),
        "seeds": [round(value, 5) for value in by_seed.values()],
    }


def _interval(by_seed: Mapping[int, float]) -> list[float] | None:
    found = accuracy({seed: [value] for seed, value in by_seed.items()}).over_seeds
    return None if found is None else [round(found.low, 5), round(found.high, 5)]


def _ends(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m baselines.data_pruning",
        description="Leave out training examples by learned weights, and by what others take.",
    )
    defaults = _flat(Study())
    for name, value in defaults.items():
        many = {"nargs": "+", "type": float} if name == "noise" else {"type": type(value)}
        parser.add_argument(_word(name), default=value, help="default: %(default)s", **many)
    parser.add_argument("--data-dir", default=None, help="where CIFAR-10 lies, if it is asked for")
    parser.add_argument("--out", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    given = vars(parser.parse_args(arguments))
    out, data_dir, threads = (given.pop(name) for name in ("out", "data_dir", "threads"))
    try:
        _require_writable(out)
        use_threads(threads)
        scoring = Scoring(**{f.name: given.pop(f.name) for f in dataclasses.fields(Scoring)})
        study = Study(**given | {"noise": tuple(given["noise"]), "scoring": scoring})
        countdown = Countdown(len(study.noise) * study.seeds * len(_scores(study, 0.0, data_dir)))
        found = {noise: pruned(study, noise, data_dir, countdown) for noise in study.noise}
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    words = (
        f"{_word(name)} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in [*_flat(study).items(), ("threads", threads)]
    )
    result = result_of(study, found, " ".join(["python -m baselines.data_pruning", *words]))
    out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print("\n".join(lines_of(result)))
    return 0


def _require_writable(out: Path) -> None:
    """Refuse a place for the result before hours are spent on it."""
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}. Make it, or name another.")
    if out.is_dir():
        raise UsageError(f"--out {out}: that is a folder. Name a file in it.")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise UsageError(f"--out {out}: it can't be written to. Name another file.")


def _flat(study: Study) -> dict[str, Any]:
    """Return every number of a study under its own name."""
    found: dict[str, Any] = dataclasses.asdict(study)
    scoring: dict[str, Any] = found.pop("scoring")
    return found | scoring


def _word(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    sys.exit(main())
