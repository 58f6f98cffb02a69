"""A trained hierarchical RNN optimizer, kept in one file and used like any of torch.optim.

    TrainedOptimizer.of(learner, state).save("optimizer.npz")
    optimizer = LearnedOptimizer(model.parameters(), load_optimizer("optimizer.npz"))
    optimizer.zero_grad(); loss(model).backward(); optimizer.step()

The file is an archive of NumPy arrays without pickled objects. One of them is a JSON text that says
what the others are.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from baselines.hrnn import HrnnLearner, HrnnState
from harness.declare.learner import Params
from harness.declare.settings import build
from harness.errors import UsageError
from methods.hrnn_rows import Layout, Weights, step
from suites.hrnn import Fresh, Hrnn, Rows, Standing

FORMAT = "hierarchical RNN optimizer 1"
ABOUT = "about.json"
KEPT = ("hidden", "averages", "squares", "input_decay", "scale_decay", "log_rate")
"""Of the rows, what stays with a parameter from step to step, in their order."""


@dataclass(frozen=True)
class TrainedOptimizer:
    """The optimizer's definition and its weights."""

    hrnn: Hrnn
    params: Params

    @classmethod
    def of(cls, learner: HrnnLearner, state: HrnnState) -> TrainedOptimizer:
        return cls(learner.workload.hrnn, state.outer.params)

    def save(self, path: str | Path) -> None:
        about = {"format": FORMAT, "settings": dataclasses.asdict(self.hrnn)}
        text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        arrays: dict[str, Any] = {n: p.detach().cpu().numpy() for n, p in self.params.items()}
        arrays[ABOUT] = text
        with Path(path).open("wb") as file:  # given a name, NumPy would add an ending of its own
            np.savez(file, **arrays)


def load_optimizer(path: str | Path) -> TrainedOptimizer:
    """Read a trained optimizer; nothing in the file is run."""
    try:
        with np.load(path, allow_pickle=False) as table:
            arrays = {name: table[name] for name in table.files}
        about = json.loads(arrays.pop(ABOUT).tobytes())
        known = about["format"] == FORMAT
        settings = about["settings"] if known else {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except (
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise UsageError(
            f"{path}: not a learned optimizer's file: {type(error).__name__}. "
            "Give a file that TrainedOptimizer.save wrote."
        ) from None
    if not known:
        raise UsageError(
            f"{path}: of the format {about['format']!r}, not {FORMAT!r}. "
            "Save it again with TrainedOptimizer.save."
        )
    hrnn = build(Hrnn, settings, str(path))
    owed = {n: p.shape for n, p in hrnn.initial(torch.Generator().manual_seed(0)).items()}
    found = {name: array.shape for name, array in arrays.items()}
    wrong = sorted(n for n in owed.keys() | found.keys() if owed.get(n) != found.get(n))
    if wrong:
        raise UsageError(
            f"{path}: its weights do not fit its settings: {', '.join(wrong)}. "
            "Save it again with TrainedOptimizer.save."
        )
    return TrainedOptimizer(hrnn, {name: torch.from_numpy(arrays[name]) for name in owed})


class LearnedOptimizer(torch.optim.Optimizer):
    """A trained optimizer at work on a model's parameters, all of them as one task.

    `lr` is each coordinate's first rate; the optimizer then changes it. In its training first rates
    were from 1e-6 to 1e-2.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        trained: TrainedOptimizer,
        lr: float = 1e-3,
    ) -> None:
        if not (math.isfinite(lr) and lr > 0):
            raise UsageError(f"lr = {lr}: the first rate must be above 0, such as 1e-3.")
        if trained.hrnn.attention:
            raise UsageError(
                "the optimizer was trained with attention = true: it needs gradients at points of "
                "its own, which torch.optim cannot give. Train it with attention = false."
            )
        super().__init__(params, {"lr": lr})
        self._trained = trained

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move all parameters that have a gradient; return the closure's loss, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moved = [
            (p, p.grad, group["lr"])
            for group in self.param_groups
            for p in group["params"]
            if p.grad is not None
        ]
        if not moved:
            return loss
        params = [p for p, _, _ in moved]
        hrnn, like = self._trained.hrnn, params[0]
        weights = {n: w.to(like.device, like.dtype) for n, w in self._trained.params.items()}
        apart = Standing.join([self._standing(weights, p, rate) for p, _, rate in moved])
        standing = dataclasses.replace(apart, of_task=self._task(weights, params))
        layout = Layout.of([[p.numel() for p in params]], like)
        gradient = torch.cat([g.flatten() for _, g, _ in moved])
        unseen = layout.unseen(standing.rows.squares)
        after = step(hrnn, Weights.of(weights, hrnn), layout, standing, gradient, unseen)
        self._keep(after, params)
        return loss

    def _task(self, weights: Params, params: list[Tensor]) -> Tensor:
        """Return the state of the task whose tensors all parameters are, whichever moved last."""
        kept = [state["of_task"] for state in self.state.values() if "of_task" in state]
        return kept[0] if kept else self._standing(weights, params[0], 1.0).of_task

    def _standing(self, weights: Params, param: Tensor, rate: float) -> Standing:
        theta, kept = param.flatten(), self.state[param]
        if not kept:
            log_rate = theta.new_full((len(theta), 1), math.log(rate))
            return self._trained.hrnn.begun(weights, Fresh(theta, log_rate), 1)
        rows = Rows(theta, None, *(kept[name] for name in KEPT))
        return Standing(rows, kept["of_tensor"], kept["of_task"])

    def _keep(self, after: Standing, params: list[Tensor]) -> None:
        parts = after.rows.split([p.numel() for p in params]), after.of_tensor.split(1)
        for param, rows, of_tensor in zip(params, *parts, strict=True):
            param.copy_(rows.theta.view_as(param))
            kept = {name: getattr(rows, name).clone() for name in KEPT}
            self.state[param].update(kept | {"of_tensor": of_tensor.clone()})
        for state in self.state.values():
            state["of_task"] = after.of_task.clone()
