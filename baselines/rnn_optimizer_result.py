"""The result of training the RNN optimizer: what was seen, as plain data, and how it is kept."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from baselines import hand_tuned
from harness.declare.learner import Params
from harness.judge.quality import accuracy
from harness.judge.statistics import Interval
from suites.learned_optimization import LearnedOptimization, Run

QUALITIES: dict[str, hand_tuned.Quality] = {
    "summed": lambda run: run.summed,
    "final": lambda run: run.final,
}

PerFunction = dict[int, list[float]]
"""A number for each function of each seed."""


@dataclass(frozen=True)
class Trained:
    """One seed's training: the mean after each epoch, and the weights where it was least."""

    curve: tuple[float, ...]
    weights: Params

    @property
    def kept(self) -> int:
        """The epoch, counted from 1, whose weights were kept."""
        return self.curve.index(min(self.curve)) + 1


@dataclass(frozen=True)
class Comparison:
    """One seed's test: runs on the same functions, and the searches for the rivals' rates."""

    learned: Run
    rivals: dict[str, dict[str, Run]]  # by rival, then by what its rate was chosen for
    searches: dict[str, dict[str, hand_tuned.Tuned]]


def result_of(
    training: Mapping[str, Any],
    workload: LearnedOptimization,
    trained: Mapping[int, Trained],
    tested: Mapping[int, Comparison],
) -> dict[str, Any]:
    """Return all that was seen; means are over functions, then over seeds."""
    learned = {name: _values(tested, lambda t: t.learned, name) for name in QUALITIES}
    settings = dataclasses.asdict(workload)
    settings.pop("place")
    return {
        "what": f"the plain RNN optimizer on {workload.name}, beside its hand-tuned rivals",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "threads": torch.get_num_threads(),
        "training": dict(training),
        "workload": workload.name,
        "settings": settings,
        "rates_searched": [_short(rate) for rate in hand_tuned.RATES],
        "seeds": {
            str(seed): {
                "validation": [_short(mean) for mean in trained[seed].curve],
                "kept_epoch": trained[seed].kept,
                "kept_validation": _short(min(trained[seed].curve)),
                "test": {name: _short(np.mean(learned[name][seed])) for name in QUALITIES},
            }
            for seed in trained
        },
        "learned": {name: _summary(learned[name]) for name in QUALITIES},
        "rivals": {
            rival: {name: _rival(tested, rival, name, learned[name]) for name in QUALITIES}
            for rival in hand_tuned.RIVALS
        },
        "mean_losses": _curves(tested),
    }


def write(out: Path, result: Mapping[str, Any], trained: Mapping[int, Trained]) -> None:
    """Write the result and, beside it, the weights that were kept."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(_lines(result) + "\n", encoding="utf-8")
    weights: dict[str, Any] = {
        f"{seed}/{name}": value.numpy()
        for seed, one in trained.items()
        for name, value in one.weights.items()
    }
    np.savez_compressed(out.with_suffix(".npz"), **weights)


def read_weights(path: Path) -> dict[int, Params]:
    """Read the weights of every seed."""
    weights: dict[int, Params] = {}
    with np.load(path) as table:
        for key in table.files:
            seed, _, name = key.partition("/")
            weights.setdefault(int(seed), {})[name] = torch.from_numpy(table[key])
    return weights


def _rival(
    tested: Mapping[int, Comparison], rival: str, name: str, learned: PerFunction
) -> dict[str, Any]:
    """Return what a rival reached in the quality that it was tuned for, beside the learned one."""
    reached = _values(tested, lambda t: t.rivals[rival][name], name)
    searches = [t.searches[rival][name] for t in tested.values()]
    lead = {
        seed: [a - b for a, b in zip(reached[seed], learned[seed], strict=True)] for seed in reached
    }
    return {
        "rates": [_short(search.rate) for search in searches],
        "rate_at_edge_of_search": any(search.at_edge for search in searches),
        "test": _summary(reached),
        "minus_learned": _summary(lead),
        "share_where_learned_is_better": _short(np.mean([v > 0 for v in _all(lead)])),
    }


def _values(
    tested: Mapping[int, Comparison], of: Callable[[Comparison], Run], name: str
) -> PerFunction:
    return {seed: QUALITIES[name](of(one)).double().tolist() for seed, one in tested.items()}


def _summary(values: PerFunction) -> dict[str, Any]:
    """Return mean and median; a mean over functions of which some diverged is unknown."""
    if not all(map(math.isfinite, _all(values))):
        return {"mean": None, "over_functions": None, "over_seeds": None, "median": None}
    found = accuracy(values)
    return {
        "mean": _short(found.mean),
        "over_functions": _ends(found.over_tasks),
        "over_seeds": _ends(found.over_seeds),
        "median": _short(median(_all(values))),
    }


def _all(values: PerFunction) -> list[float]:
    return [value for of_seed in values.values() for value in of_seed]


def _curves(tested: Mapping[int, Comparison]) -> dict[str, list[float | None]]:
    """Return everyone's mean loss before each step and after the last; rivals tuned by the sum."""
    runs = {"learned": [t.learned for t in tested.values()]}
    for rival in hand_tuned.RIVALS:
        runs[rival] = [t.rivals[rival]["summed"] for t in tested.values()]
    means = {name: torch.cat([run.losses for run in of]).mean(0) for name, of in runs.items()}
    return {
        name: [_short(loss) if loss.isfinite() else None for loss in mean]
        for name, mean in means.items()
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [_short(interval.low), _short(interval.high)]


def _short(value: Any) -> float:
    """Round to five digits: more would only show the order in which numbers were added."""
    return float(f"{float(value):.5g}")


def _lines(value: Any, indent: str = "") -> str:
    """Write JSON with one entry a line and lists on one line."""
    if not isinstance(value, Mapping):
        return json.dumps(value, allow_nan=False)
    deeper = indent + "  "
    entries = [f"{deeper}{json.dumps(key)}: {_lines(v, deeper)}" for key, v in value.items()]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
