"""Forward gradients: MAML whose slopes are found by directional derivatives of activations.

Ren, Kornblith, Liao and Hinton, "Scaling Forward Gradient With Local Losses" (arXiv 2210.03310).
The network is a chain of stages z_l = f_l(theta_l, z_l-1). For directions v of standard normal
entries, s = 1..n of them, on example x of N with loss e:

    d_s          = derivative of e as all z_l move along v_l,s at once         one pass forward
    de/dz_l      ~ mean over s of d_s v_l,s                                    unbiased
    dL/dtheta_l  ~ mean over examples of (dz_l/dtheta_l)^T de/dz_l

No derivative goes back from one stage to another, only from a stage's outputs to its own weights.
The fewer activations one loss has, the less its estimates vary. So in `local_forward_gradient`
every stage has a loss of its own, of what a linear layer answers from z_l, and z_l-1 counts as
given; that layer's own slope is exact. `forward_gradient` has the network's own loss alone, and
what it approaches is MAML's gradient.

Known, from the paper: perturbed activations, and local greedy losses. Reconstructed: their use in
MAML, where both loops take the estimates,

    theta_i  = theta_i - alpha ~dS_i/dtheta (theta_i)      inner_steps times
    gradient = mean over tasks of ~dQ_i/dtheta (theta_i)   of the first order

and held-out tasks as well. Left out: the paper's LocalMixer, its groups of channels and patches
with a loss each, and labels that local losses share. Directions are drawn anew for every task and
step of training, and are the same for all held-out tasks, so that none depends on its company.

Errors fall with the root of n, so each unit of `log4_samples` halves them. An example's loss is its
own, without BatchNorm, which would have it depend on the others' activations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vjp, vmap

from baselines.maml import MamlLearner
from harness.declare.equivalence import Approximate, Equivalence, InTheLimit
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from harness.seeds import derive
from suites.fewshot import Tasks
from suites.models import Staged

LOCAL = "local."  # begins the name of a local loss's layer, before the number of its stage


@dataclass(frozen=True)
class DrawingState(AdamState):
    """Parameters under Adam, and what directions are drawn from."""

    seed: int


@method("forward_gradient")
@dataclass(frozen=True)
class ForwardGradient(MamlLearner):
    """First-order MAML by directional derivatives of activations, in both loops."""

    log4_samples: int = 2
    """So many directions are drawn for an estimate: 4 to this power."""

    equivalence: ClassVar[Equivalence] = InTheLimit("log4_samples", (1, 6), factor=0.7)
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        if not 0 <= self.log4_samples <= 8:
            raise ValueError(f"log4_samples = {self.log4_samples} must be from 0 to 8")
        if not self.workload.first_order:
            raise ValueError(
                "first_order = False: forward gradients are of the first order. Set the workload's "
                "first_order = true"
            )
        network = self.workload.skeleton
        if not isinstance(network, Staged):
            raise UsageError(
                f"{self.name} runs a network stage by stage, but {type(network).__name__} names no "
                "stages. Derive it from suites.models.Staged."
            )
        if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules()):
            raise UsageError(
                f"{self.name} takes every example's loss for its own, but BatchNorm in "
                f"{type(network).__name__} has it depend on the others. Use a network without it."
            )

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for inner steps so small that their errors take few units across ReLU's kink."""
        return {"architecture": "mlp", "first_order": True, "inner_lr": 0.01}

    def init(self, seed: int) -> DrawingState:
        return DrawingState(**vars(super().init(seed)), seed=seed)

    def step(self, state: AdamState, batch: Tasks) -> tuple[DrawingState, Tensor]:
        after, loss = super().step(state, batch)
        return DrawingState(**vars(after), seed=_whole(state).seed), loss

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        losses, sums = [], {name: torch.zeros_like(p) for name, p in state.params.items()}
        for number, task in enumerate(batch):
            draws = self.draws(state, "training", state.taken, number)
            params = self._adapted(state.params, task, draws)
            loss, slopes = self._estimated(params, task.query_x, task.query_y, draws.next())
            losses.append(loss)
            sums = {name: total + slopes[name] for name, total in sums.items()}
        means = {name: total / len(batch) for name, total in sums.items()}
        return Gradient(torch.stack(losses).mean(), means)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        return [self._adapted(state.params, task, self.draws(state, "held out")) for task in batch]

    def draws(self, state: AdamState, *purpose: str | int) -> Draws:
        """Return what directions are drawn from, for a purpose, at a state."""
        return Draws(_whole(state).seed, *purpose)

    def _adapted(self, params: Params, task: Tasks, draws: Draws) -> Params:
        for _ in range(self.workload.inner_steps):
            slopes = self._estimated(params, task.support_x, task.support_y, draws.next())[1]
            params = {name: p - self.workload.inner_lr * slopes[name] for name, p in params.items()}
        return params

    def _estimated(
        self, params: Params, x: Tensor, y: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Params]:
        """Return the mean loss, and the estimate of its slope or of the local losses' slopes."""
        inputs = [x]
        for stage in range(len(self.stages)):
            inputs.append(self._run(params, inputs[-1], stage))
        slopes: Params = {}
        for part in self.parts:
            outputs = [inputs[stage + 1] for stage in part]
            directions = [self._drawn(z, generator) for z in outputs]
            along = self._slopes_along(params, part, inputs[part[0]], y, directions)
            for stage, v in zip(part, directions, strict=True):
                towards = torch.einsum("sn,sn...->n...", along, v) / (len(v) * len(x))
                slopes |= self._pulled(params, stage, inputs[stage], towards)
            slopes |= self._answering(params, part[-1], outputs[-1], y)
        return self.workload.loss(inputs[-1], y), slopes

    @property
    def parts(self) -> Sequence[Sequence[int]]:
        """The stages that have a loss in common."""
        return [range(len(self.stages))]

    def _run(self, params: Params, x: Tensor, stage: int) -> Tensor:
        return self.workload.stretch(_network(params), x, stage, stage + 1)

    def _slopes_along(
        self, params: Params, part: Sequence[int], x: Tensor, y: Tensor, directions: list[Tensor]
    ) -> Tensor:
        """Return d of every direction and example, by how the answers change along it."""

        def answers(*moves: Tensor) -> Tensor:
            z = x
            for stage, move in zip(part, moves, strict=True):
                z = self._run(params, z, stage) + move
            return self._answers(params, part[-1], z)

        still = tuple(torch.zeros_like(v[0]) for v in directions)
        by_answers = len(x) * grad(self.workload.loss)(answers(*still), y)
        changes = vmap(lambda *v: jvp(answers, still, v)[1])(*directions)
        along: Tensor = (changes * by_answers).flatten(2).sum(2)
        return along

    def _answers(self, params: Params, stage: int, outputs: Tensor) -> Tensor:
        """Return what the loss of a part that ends with the stage judges."""
        return outputs

    def _answering(self, params: Params, stage: int, outputs: Tensor, y: Tensor) -> Params:
        """Return the slope by what answers from the stage's outputs, if anything does."""
        return {}

    def _pulled(self, params: Params, stage: int, x: Tensor, towards: Tensor) -> Params:
        """Take a slope by a stage's outputs to its own parameters."""
        begins = f"{self.stages[stage]}."
        own = {name: p for name, p in params.items() if name.startswith(begins)}
        pull = vjp(lambda own: self._run(params | own, x, stage), own)[1]
        pulled: Params = pull(towards)[0]
        return pulled

    def _drawn(self, like: Tensor, generator: torch.Generator) -> Tensor:
        shape = (4**self.log4_samples, *like.shape)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(like)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """What the names of each stage's parameters begin with."""
        network = self.workload.skeleton
        assert isinstance(network, Staged)
        return tuple(stage.name for stage in network.stages())


@method("local_forward_gradient")
@dataclass(frozen=True)
class LocalForwardGradient(ForwardGradient):
    """Forward gradients of local losses: each stage has a loss of its own, in both loops."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.naive_forward_gradient:gradient",
        adaptation="baselines.naive_forward_gradient:adaptations",
    )

    def init(self, seed: int) -> DrawingState:
        theta, draws = self.workload.initial(seed), Draws(seed, "local losses")
        z, sizes = self.workload.train_batch(seed, 0).support_x[0][:1], []
        for stage in range(len(self.stages)):
            z = self._run(theta, z, stage)
            sizes.append(z.numel())
        layers: Params = {}
        for stage, size in enumerate(sizes[:-1]):
            for kind, shape in (("weight", (sizes[-1], size)), ("bias", (sizes[-1],))):
                drawn = torch.rand(shape, generator=draws.next(), dtype=torch.float64)
                layers[f"{LOCAL}{stage}.{kind}"] = ((2 * drawn - 1) * size**-0.5).to(z)
        return DrawingState(**vars(AdamState.start(theta | layers)), seed=seed)

    def outputs(self, adapted: Params, x: Tensor) -> Tensor:
        return super().outputs(_network(adapted), x)

    @property
    def parts(self) -> Sequence[Sequence[int]]:
        return [[stage] for stage in range(len(self.stages))]

    def _answers(self, params: Params, stage: int, outputs: Tensor) -> Tensor:
        if stage == len(self.stages) - 1:
            return outputs
        weight, bias = params[f"{LOCAL}{stage}.weight"], params[f"{LOCAL}{stage}.bias"]
        return nn.functional.linear(outputs.flatten(1), weight, bias)

    def _answering(self, params: Params, stage: int, outputs: Tensor, y: Tensor) -> Params:
        own = {name: p for name, p in params.items() if name.startswith(f"{LOCAL}{stage}.")}
        slopes: Params = grad(
            lambda own: self.workload.loss(self._answers(own, stage, outputs), y)
        )(own)
        return slopes


class Draws:
    """Generators for one purpose, each of which follows from the purpose and their number alone."""

    def __init__(self, seed: int, *purpose: str | int) -> None:
        self._seed, self._purpose, self._number = seed, purpose, 0

    def next(self) -> torch.Generator:
        self._number += 1
        seed = derive(self._seed, "directions", *self._purpose, self._number)
        return torch.Generator().manual_seed(seed)


def _network(params: Params) -> Params:
    """Return the parameters without those of local losses."""
    return {name: p for name, p in params.items() if not name.startswith(LOCAL)}


def _whole(state: AdamState) -> DrawingState:
    if not isinstance(state, DrawingState):
        raise UsageError(
            "forward gradients were given parameters without what directions are drawn from. Give "
            "the state that `init` or `step` returned."
        )
    return state
