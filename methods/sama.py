"""SAMA: a hypergradient by first-order passes alone, for bilevel problems of any size.

After the base steps, the last of which followed the gradient g, the hypergradient of Choe et al.
(2023, arXiv 2310.05674) is

    v0 = dL_meta/dtheta                                                                pass 1
    v  = v0 * slope of the base optimizer's step by g
    e  = R / |v|                                       over all base parameters
    g+ = dL_base(theta + e v)/dlambda,  g- = dL_base(theta - e v)/dlambda      passes 2 and 3
    hypergradient = dL_meta/dlambda - (g+ - g-) / (2 e)

with the last base batch in g+ and g-. The slope is 1 for gradient descent, whatever its rate and
momentum. For Adam, with moments m_ and v_ before the step and v after it, it is that of a step
without bias correction,

    rate * [(1-b1) b2 v_ - b1 (1-b2) g m_] / (sqrt(v) + eps)^3,

each parameter's rate being its group's, and weight decay that works through the gradient being part
of g. sama_na leaves the slope out. In the first step of all m_ = v_ = 0: that step is
rate * sign(g), whose slope is 0, so v = 0 and only the direct gradient is left.

The probes show the meta model the base model that they moved. Where it is fed something s(theta) of
the base model that counts as given, as losses and outputs do in suites.reweighting, R to 0 makes

    (g+ - g-) / (2 e)  ->  (d^2 L_base / dlambda dtheta) v + (d^2 L_base / dlambda ds) (ds/dtheta) v

The first product is how lambda turns the last base step's gradient, taken at a given s. The second
no base step has, nor have the learners that differentiate steps: conjugate gradients, Neumann
series and unrolling. It vanishes where the meta model is fed by data alone, and where s stays as it
is along v. The published recipe has it, so it is part of the definition, and of Betty's too.

`multitask` leaves theta at theta - e v, where pass 3 had it: the base model then also takes a step
of length R down the clean data's loss, which confounds what the hypergradient itself adds. So
`frozen` takes all the same passes, draws and moves, and leaves lambda where it began: what the
method is better by than that is the hypergradient's.

What differs from Betty 0.2.1's sama and darts, by the method's authors. The moments before the last
step are kept, where Betty undoes the step; that leaves Betty's first step a direction of rounding.
Weight decay is counted in g. R is .01 by default with gradient descent, where Betty's sama has 1.
theta is put back to the bit. All passes on a base batch draw the same dropout, and running
statistics move in base steps alone. Nothing is added to |v|, and no value is read back to the host.
Otherwise betty_sama is sama, and betty_darts is sama_na.

What is cheap about it. In passes 2 and 3 the base parameters need no gradient, so where lambda
shapes nothing but the losses no activation is kept. The moments after the last step are formed when
the passes are over: at the peak, in pass 1, theta and g stand beside the activations and no more.

Several ranks take the examples of every batch by turns, and the mean over all examples counts:

    base step   g is summed while its pass runs                          |theta| numbers
    pass 1      v0, v and e are each rank's own                          nothing
    pass 2                                                               nothing
    pass 3      the hypergradient is summed while the pass runs          |lambda| numbers
                and with it go the loss, the running statistics and, if it stays, theta - e v

So a hypergradient is the mean of those that the ranks found, each along its own v, as published.
With `shared_direction` v0 is summed too, |theta| numbers more, and several ranks find what one
finds with the whole batch, where the losses are means over examples that don't see each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from baselines.bilevel import (
    BilevelLearner,
    BilevelState,
    Trained,
    copies,
    differentiable,
    gradients,
)
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import BETA1, BETA2, EPS, AdamState, Rules, groups
from harness.registry import method
from methods.gradient_sums import Weighted, summed, summed_gradients
from methods.shared_bilevel import SharedBilevelLearner
from suites.bilevel import BilevelBatch

CHUNK = 1 << 22  # entries whose slopes are formed at once, which bounds what that takes


@dataclass(frozen=True)
class SamaLearner(SharedBilevelLearner):
    """What SAMA with and without adaptation share."""

    radius: float | None = None
    """R, the length of the move to either side; if null 1 with Adam, .01 with gradient descent."""
    multitask: bool = False
    """Leave the base model where the last pass had it, a move of length R down the clean loss."""
    shared_direction: bool = False
    """Sum the meta loss's gradient over the ranks as well, so that several are as one."""
    frozen: bool = False
    """Form the hypergradient and don't follow it: the control that never moves lambda."""

    adapts: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radius is not None and self.radius <= 0:
            raise ValueError(f"radius = {self.radius} must be above 0")

    def step(self, state: BilevelState, batch: BilevelBatch) -> tuple[BilevelState, Tensor]:
        after, loss = super().step(state, batch)
        return (replace(after, meta=state.meta) if self.frozen else after), loss

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        meta, last = state.meta.params, len(batch.base) - 1
        # Steps go by their numbers, so these are the first ones of the whole batch. Ranks need not
        # agree on running statistics before the end.
        earlier = BilevelLearner.trained(self, state, replace(batch, base=batch.base[:last]))
        before, buffers = earlier.base, earlier.buffers
        del earlier
        g = self.base_gradients(before.params, buffers, meta, batch, last)
        rules = self.rules(g)
        after = before.update(g, rules)
        adam = None
        if isinstance(before, AdamState) and isinstance(after, AdamState):
            _count_decay_in(g, before.params, rules)
            after = replace(after, first={}, second={})  # formed again when there is room
            adam = replace(before, params={})
        else:
            g = {}
        del before
        loss, vector, direct = self.meta_gradients(after.params, buffers, meta, batch)
        if adam and self.adapts:
            _multiply_by_slope(vector, adam, g, rules)
        theta, buffers, gradient = self._probed(
            after.params, buffers, meta, batch, loss, vector, direct
        )
        del vector
        after = replace(after, params=theta)
        if adam and isinstance(after, AdamState):
            first, second = adam.moments(g)
            after = replace(after, first=first, second=second)
        return Trained(after, buffers), gradient

    def meta_gradients(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch
    ) -> tuple[Tensor, Params, Params]:
        loss, vector, direct = super().meta_gradients(params, buffers, meta, batch)
        if self.shared_direction and self.team.size > 1:
            portion = self.workload.portion(batch.meta)
            own = [Weighted(v, portion) for v in vector.values()]
            sums = summed(own, self.team, self.bucket_bytes)
            vector = dict(zip(vector, sums, strict=True))
        return loss, vector, direct

    def _probed(
        self,
        theta: Params,
        buffers: Params,
        meta: Params,
        batch: BilevelBatch,
        loss: Tensor,
        vector: Params,
        direct: Params,
    ) -> tuple[Params, Params, Gradient]:
        """Take passes 2 and 3; return the base model to be left, its buffers, and the gradient."""
        last, by_meta = len(batch.base) - 1, differentiable(meta)
        there, along = list(theta.values()), list(vector.values())
        per_move = _brought_to_length(self._radius, along)
        moved = dict(zip(theta, torch._foreach_add(there, along), strict=True))
        above = gradients(self.base_loss(moved, copies(buffers), by_meta, batch, last), by_meta)
        torch._foreach_sub_(list(moved.values()), along, alpha=2)
        left = moved if self.multitask else theta
        loss_below = self.base_loss(moved, copies(buffers), by_meta, batch, last)
        if self.team.size == 1:
            below = gradients(loss_below, by_meta)
            grads = {n: g + per_move * (below[n] - above[n]) for n, g in direct.items()}
            return left, buffers, Gradient(loss, grads)
        of_base, of_meta = map(self.workload.portion, (batch.base[last], batch.meta))
        of_pass = of_base * per_move
        onto = {name: of_meta * g - of_pass * above[name] for name, g in direct.items()}
        statistics = self.statistics(buffers, batch)
        staying = left if self.multitask and not self.shared_direction else {}
        grads, sums = summed_gradients(
            Weighted(loss_below, of_pass),
            by_meta,
            onto,
            [
                Weighted(loss, of_meta),
                *statistics.values(),
                *(Weighted(p, of_base) for p in staying.values()),
            ],
            self.team,
            self.bucket_bytes,
        )
        loss, *rest = sums
        agreed = dict(zip([*statistics, *staying], rest, strict=True))
        buffers = {name: agreed.get(name, buffer) for name, buffer in buffers.items()}
        left = {name: agreed.get(name, p) for name, p in left.items()}
        return left, buffers, Gradient(loss, grads)

    @property
    def _radius(self) -> float:
        if self.radius is not None:
            return self.radius
        return 0.01 if self.workload.base_optimizer == "sgd" else 1.0


@method("sama")
@dataclass(frozen=True)
class Sama(SamaLearner):
    """Bilevel, SAMA: the base optimizer's slope for the inverse Hessian (Choe et al. 2023)."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:sama")
    adapts: ClassVar[bool] = True


@method("sama_na")
@dataclass(frozen=True)
class SamaNa(SamaLearner):
    """Bilevel, SAMA without adaptation: the identity for the inverse Hessian."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:sama_na")
    adapts: ClassVar[bool] = False


def _brought_to_length(radius: float, vector: list[Tensor]) -> Tensor:
    """Scale the vector in place by e = R / |v|; return 1 / (2 e), which is 0 where v is."""
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(vector)))
    limits = torch.finfo(length.dtype)
    torch._foreach_mul_(vector, (radius / length.clamp(min=limits.tiny)).clamp(max=limits.max))
    inverse: Tensor = length / (2 * radius)
    return inverse


def _count_decay_in(g: Params, params: Params, rules: Rules) -> None:
    """Add to the gradients, in place, what decays weights through them."""
    for rule, names in groups(g, rules):
        if rule.weight_decay and not rule.decoupled:
            torch._foreach_add_(
                [g[n] for n in names], [params[n] for n in names], alpha=rule.weight_decay
            )


def _multiply_by_slope(vector: Params, before: AdamState, g: Params, rules: Rules) -> None:
    """Multiply the vector, in place, by the slope of the Adam step that followed g."""
    for rule, names in groups(g, rules):
        for some in _chunks(names, g):
            slopes, first, second = ([p[n] for n in some] for p in (g, before.first, before.second))
            above = torch._foreach_mul(second, (1 - BETA1) * BETA2)
            torch._foreach_addcmul_(above, slopes, first, -BETA1 * (1 - BETA2))
            spread = torch._foreach_mul(second, BETA2)
            torch._foreach_addcmul_(spread, slopes, slopes, 1 - BETA2)
            torch._foreach_sqrt_(spread)
            torch._foreach_add_(spread, EPS)
            torch._foreach_pow_(spread, 3)
            torch._foreach_div_(above, spread)
            torch._foreach_mul_(above, rule.lr)
            torch._foreach_mul_([vector[n] for n in some], above)


def _chunks(names: list[str], tensors: Params) -> Iterator[list[str]]:
    """Yield the names by runs of tensors that have about CHUNK entries together."""
    run: list[str] = []
    entries = 0
    for name in names:
        if run and entries + tensors[name].numel() > CHUNK:
            yield run
            run, entries = [], 0
        run.append(name)
        entries += tensors[name].numel()
    yield run
