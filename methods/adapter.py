"""An adapter: trained weights and the way to adapt them to a new task, in one file.

Made of any learner of the few-shot family, and so with any pattern that a study has chosen:

    Adapter(LambdaPatterns(workload, pattern="00011"), state.params).save("adapter.pt")
    predict = load_adapter("adapter.pt").adapt(images, labels)
    logits = predict(more_images)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.maml import MamlLearner
from harness.declare.learner import Params
from harness.declare.outer import AdamState
from harness.declare.settings import build
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.registry import Registry
from suites.fewshot import Classification, FewShot, Tasks

FORMAT = "adapter 1"


@dataclass(frozen=True)
class Adapter:
    """A trained network that adapts to tasks, one at a time."""

    learner: MamlLearner
    params: Params

    def adapt(self, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        """Adapt to a task's examples; return what gives the task's outputs for more of them.

        Of a classification's task the labels are whole numbers from 0, one for every example.
        """
        workload = self.learner.workload
        _require_examples(workload, x)
        _require_labels(workload, x, y)
        task = Tasks(x[None], y[None], x[None], y[None])  # adaptation looks at the support alone
        with torch.enable_grad():
            [params] = self.learner.adapt(self._state, task)

        @torch.no_grad()
        def outputs(x: Tensor) -> Tensor:
            _require_examples(workload, x)
            return self.learner.outputs(params, x)

        return outputs

    def save(self, path: str | Path) -> None:
        content = {
            "format": FORMAT,
            "learner": self.learner.name,
            "settings": _settings(self.learner, "workload"),
            "workload": self.learner.workload.name,
            "workload_settings": _settings(self.learner.workload, "place"),
            "params": {name: p.detach().cpu() for name, p in self.params.items()},
        }
        torch.save(content, path)

    @cached_property
    def _state(self) -> AdamState:
        return AdamState.start(self.params)


def load_adapter(
    path: str | Path, place: Place | None = None, plugins: tuple[str, ...] = ()
) -> Adapter:
    """Read an adapter; plugins are the files of learners and workloads that are not ours."""
    place = place or Place()
    try:
        content = torch.load(path, weights_only=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    except Exception as error:  # whatever unpickling a foreign file may raise
        raise UsageError(f"{path}: not an adapter's file: {type(error).__name__}.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path}: not of the format {FORMAT!r}. Save it again with Adapter.save.")
    registry = Registry(plugins)
    entry = registry.find(content["workload"], "workload")
    workload = build(entry.load(), content["workload_settings"], entry.name, place)
    entry = registry.find(content["learner"], "baseline", "method")
    learner: MamlLearner = build(entry.load(), content["settings"], entry.name, workload)
    params = {n: p.to(place.device, place.torch_dtype) for n, p in content["params"].items()}
    return Adapter(learner, params)


def _require_examples(workload: FewShot, x: Tensor) -> None:
    one, dtype = workload.example_shape, workload.place.torch_dtype
    fits = x.dim() > 0 if one is None else tuple(x.shape[1:]) == one
    if not fits or len(x) == 0:
        takes = f"[examples, {', '.join(map(str, one))}]" if one is not None else "[examples, ...]"
        raise UsageError(
            f"examples of shape {list(x.shape)}: {workload.name} takes {takes}, one example at "
            "least. Bring them into this shape, the first dimension counting them."
        )
    if x.dtype != dtype:
        raise UsageError(
            f"examples of {x.dtype}: the network takes {dtype}. Convert them with .to({dtype}), "
            "and scale them as those of its training were."
        )


def _require_labels(workload: FewShot, x: Tensor, y: Tensor) -> None:
    if y.dim() == 0 or len(y) != len(x):
        found = "a single label" if y.dim() == 0 else f"{len(y)} labels"
        raise UsageError(
            f"{found} for {len(x)} examples: each example needs its own. Give both tensors in the "
            "same order."
        )
    if not isinstance(workload, Classification):
        return
    if y.dim() != 1 or y.dtype != torch.int64:
        raise UsageError(
            f"labels of {y.dtype} and shape {list(y.shape)}: {workload.name} takes torch.int64 of "
            "shape [examples]. Give the number of each example's class, not its one-hot code."
        )
    strange = y[(y < 0) | (y >= workload.ways)]
    if len(strange):
        raise UsageError(
            f"label {int(strange[0])}: {workload.name} was trained for {workload.ways} classes, so "
            f"labels are 0 to {workload.ways - 1}. Number a task's classes from 0; for more of "
            "them train with a larger setting ways."
        )


def _settings(owner: Any, *left_out: str) -> dict[str, Any]:
    return {
        field.name: getattr(owner, field.name)
        for field in dataclasses.fields(owner)
        if field.name not in left_out
    }
