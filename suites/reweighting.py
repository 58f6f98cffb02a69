"""Training on labels that may be wrong, under meta models that learn whom to believe.

Reweighting is Meta-Weight-Net's (Shu et al. 2019): an example weighs V(loss) / sum of the batch's
V(loss), V being the meta network. Published is V alone, which also sets the base model's rate of
learning: on noisy MNIST the meta network then raised every weight, those of wrong labels most of
all. Shares leave it the choice between examples only.

Label correction is a second meta network. From what the base model expects and what an example is
labelled it makes the labels trained on, beginning near those given. Neither meta network is a way
back into the base model: what they are fed counts as given.

So a base step follows the gradient at given weights and labels, and learners that differentiate it
hold them too. A learner that probes the base loss at moved base parameters (T1-T2, SAMA, and
Betty's of both) feeds the meta networks anew, and its difference also has what the moved losses and
outputs do to them. No smaller move makes that go away: see methods.sama.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, one_hot

from harness.declare.learner import Params
from harness.declare.workload import Metric
from harness.errors import UsageError
from harness.seeds import derive
from suites.bilevel import Bilevel

BELIEVED = 0.9
"""What a corrector that has learned nothing leaves to the label given."""


@dataclass(frozen=True)
class Labelled:
    """Examples, and what they are said to be."""

    inputs: Any
    labels: Tensor


class Weigher(nn.Sequential):
    """From an example's loss to its weight."""

    def __init__(self, hidden: int) -> None:
        super().__init__(nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Sigmoid())


class Corrector(nn.Module):
    """From what a model expects and what an example is labelled to the logits of a better label."""

    def __init__(self, hidden: int, classes: int) -> None:
        super().__init__()
        self.belief = math.log(BELIEVED * (classes - 1) / (1 - BELIEVED))
        self.change = nn.Sequential(
            nn.Linear(2 * classes, hidden), nn.Tanh(), nn.Linear(hidden, classes)
        )

    def forward(self, expected: Tensor, given: Tensor) -> Tensor:
        change: Tensor = self.change(torch.cat([expected, given], dim=1))
        return self.belief * given + change


class WeigherAndCorrector(nn.Module):
    """Both meta networks."""

    def __init__(self, hidden: int, classes: int) -> None:
        super().__init__()
        self.weigher = Weigher(hidden)
        self.corrector = Corrector(hidden, classes)

    def forward(self, told: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        losses, expected, given = told
        return self.weigher(losses), self.corrector(expected, given)


@dataclass(frozen=True)
class Reweighted(Bilevel):
    """Classification of which some labels are wrong, judged by accuracy under true ones."""

    base_batch_size: int = 100
    meta_batch_size: int = 100
    meta_hidden: int = 100
    """Hidden units of each meta network."""
    correct: bool = False
    """Whether a second meta network corrects the labels."""

    metric: ClassVar[Metric] = Metric("accuracy", higher_is_better=True)

    @property
    @abstractmethod
    def classes(self) -> int:
        """How many labels there are."""

    @property
    def samples(self) -> int:
        return self.unroll * self.base_batch_size

    def meta_network(self) -> nn.Module:
        if self.correct:
            return WeigherAndCorrector(self.meta_hidden, self.classes)
        return Weigher(self.meta_hidden)

    def base_loss(self, base: Params, meta: Params, batch: Labelled) -> Tensor:
        weights, losses = self._weighed(self.outputs(base, batch), meta, batch.labels)
        total = weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
        shares: Tensor = (weights * losses).sum() / total
        return shares

    def meta_loss(self, base: Params, meta: Params, batch: Labelled) -> Tensor:
        return self.plain_loss(base, batch)

    def weights(self, base: Params, meta: Params, batch: Labelled) -> Tensor:
        """Return what the weigher gives to every example, the base model not being in training."""
        outputs = self.base_outputs(base, batch.inputs, training=False)
        return self._weighed(outputs, meta, batch.labels)[0].flatten()

    def _weighed(self, outputs: Tensor, meta: Params, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return every example's weight and its loss, which correction has a part in."""
        losses = cross_entropy(outputs, labels, reduction="none").unsqueeze(1)
        if not self.correct:
            return self.meta_outputs(meta, losses.detach()), losses
        given = one_hot(labels, self.classes).to(outputs.dtype)
        told = (losses.detach(), outputs.detach().softmax(1), given)
        weights, better = self.meta_outputs(meta, told)
        return weights, -(better.softmax(1) * log_softmax(outputs, 1)).sum(1, keepdim=True)

    def plain_loss(self, base: Params, batch: Labelled) -> Tensor:
        return cross_entropy(self.outputs(base, batch), batch.labels)

    def quality(self, base: Params, batch: Labelled) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.inputs, training=False)
        return (outputs.argmax(1) == batch.labels).to(outputs.dtype)

    def outputs(self, base: Params, batch: Labelled) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.inputs)
        return outputs

    def require_held_out(self, split: str, end: int, there: int) -> None:
        """Refuse to judge by more examples than a split has."""
        if end > there:
            raise UsageError(
                f"{self.name}: {end} examples of the {split} split are asked for, and it "
                f"has {there}. Lower curve_tasks or test_tasks of the suite's protocol."
            )

    def rows(self, seed: int, purpose: str, index: int, among: int, count: int) -> Tensor:
        """Return which examples make the index-th batch for this purpose, none of them twice."""
        if count > among:
            raise UsageError(
                f"{self.name}: a batch of {count} {purpose} examples is asked for, and there are "
                f"{among}. Lower {'meta' if purpose == 'clean' else 'base'}_batch_size."
            )
        rng = np.random.default_rng(derive(seed, purpose, index))
        return torch.from_numpy(rng.choice(among, count, replace=False)).to(self.place.device)
