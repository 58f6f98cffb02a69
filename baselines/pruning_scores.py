"""What training examples are kept by, when some of them are to be left out.

random    nothing
EL2N      |p - y|, the length of the error of what is expected, early in training (Paul et al. 2021)
GraNd     the length of the loss's gradient by all weights, early in training (the same)
learned   the weight that a bilevel learner gives, in the mean over the second half of its training

EL2N and GraNd are means over several models from different starts. All keep the largest, as
published: EL2N and GraNd the examples that are hard, learned weights those that are worth it. Under
wrong labels what is hard is mostly what is wrong, so keeping the least error is looked at as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy, one_hot

from baselines.bilevel import BilevelLearner, BilevelState
from baselines.fine_tuning import FineTuning
from harness.declare.learner import Params
from harness.errors import UsageError
from harness.seeds import derive
from suites.labelled_images import LabelledImages
from suites.reweighting import Labelled

CHUNK = 500  # examples that are looked at at once
LOOKS = 20  # at the learned weights, in the second half of training


@dataclass(frozen=True)
class Scoring:
    """How long examples are looked at before they are scored."""

    early_steps: int = 40
    """Steps before EL2N and GraNd look."""
    models: int = 5
    """From different starts, over which they take the mean."""
    learned_steps: int = 400
    """Meta-steps of a bilevel learner."""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value < 1:
                raise UsageError(f"{name} = {value}: must be at least 1.")


def random(workload: LabelledImages, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(derive(seed, "random pruning"))
    return torch.rand(len(workload.training_set(seed).labels), generator=generator)


def el2n(workload: LabelledImages, seed: int, scoring: Scoring) -> Tensor:
    """Return the length of the error of every training example."""
    examples = workload.training_set(seed)
    right = one_hot(examples.labels, workload.classes)

    def errors(base: Params) -> Tensor:
        with torch.no_grad():
            parts = [workload.base_outputs(base, x, training=False) for x in _chunks(examples)]
        lengths: Tensor = (torch.cat(parts).softmax(1) - right).norm(dim=1)
        return lengths

    return _mean(errors(base) for base in _early(workload, seed, scoring))


def grand(workload: LabelledImages, seed: int, scoring: Scoring) -> Tensor:
    """Return the length of every training example's own gradient."""
    examples = workload.training_set(seed)

    def loss(base: Params, image: Tensor, label: Tensor) -> Tensor:
        outputs = workload.base_outputs(base, image.unsqueeze(0), training=False)
        return cross_entropy(outputs, label.unsqueeze(0))

    each = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=CHUNK)

    def lengths(base: Params) -> Tensor:
        by_name = each(base, examples.inputs, examples.labels)
        squares = [g.flatten(1).square().sum(1) for g in by_name.values()]
        return torch.stack(squares).sum(0).sqrt()

    return _mean(lengths(base) for base in _early(workload, seed, scoring))


def learned(learner: BilevelLearner, seed: int, scoring: Scoring) -> Tensor:
    """Return the weight that a learner of a workload of images gives to every training example."""
    workload: Any = learner.workload
    examples: Labelled = workload.training_set(seed)
    state, seen = learner.init(seed), []
    half = (scoring.learned_steps + 1) // 2
    for index in range(scoring.learned_steps):
        state, _ = learner.step(state, workload.train_batch(seed, index))
        left = scoring.learned_steps - 1 - index
        if left < half and left % max(1, half // LOOKS) == 0:
            base = {**state.base.params, **state.buffers}
            with torch.no_grad():
                parts = zip(_chunks(examples), examples.labels.split(CHUNK), strict=True)
                each = [workload.weights(base, state.meta.params, Labelled(*p)) for p in parts]
            seen.append(torch.cat(each))
    return torch.stack(seen).mean(0)


def _early(workload: LabelledImages, seed: int, scoring: Scoring) -> Iterator[Params]:
    """Yield models that have been trained for a few steps, from different starts."""
    learner = FineTuning(workload)
    for model in range(scoring.models):
        state: BilevelState = learner.init(derive(seed, "early", model))
        for index in range(scoring.early_steps):
            batch = workload.train_batch(seed, model * scoring.early_steps + index)
            state, _ = learner.step(state, batch)
        yield {**state.base.params, **state.buffers}


def _chunks(examples: Labelled) -> tuple[Tensor, ...]:
    """Return the examples in as many as a network may take at once."""
    found: tuple[Tensor, ...] = examples.inputs.split(CHUNK)
    return found


def _mean(scores: Iterator[Tensor]) -> Tensor:
    return torch.stack(list(scores)).mean(0)
