"""A stack of tasks: their losses, slopes, and second derivatives, each task at its own parameters.

Differentiation is plain autograd over a network that runs the whole stack (`stacked_networks`), so
that one backward pass serves many tasks, and of torch.func's transforms only the loss has one.

A second derivative times a direction is the slope of the slopes (reverse over reverse), or what the
slopes change along it (forward over reverse). The latter forms no graph of the backward pass; but
torch keeps every tangent until the last one is formed, so that here it keeps more and not less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from harness.declare.learner import Params
from methods.call_plan import CallPlan, TaskBytes, held
from methods.task_threads import bytes_are_followed
from suites.fewshot import FewShot, Tasks

Bend = Callable[[Tensor], Tensor]
"""Takes a direction for each task, and returns its loss's second derivative times that."""

CUT = CallPlan(1)
"""What differentiates losses in GRAPH_BYTES."""

ONE_THREAD = Lock()
"""torch follows the tangents of one thread at a time."""

TANGENTS = 4
"""Graphs of a loss that are kept where it is differentiated with tangents, at most."""


class Network(Protocol):
    """What runs a stack of tasks, with each one's parameters in an order of its own."""

    has_tangents: ClassVar[bool]
    """Whether it is known to be differentiable forward."""

    def packed(self, params: Params) -> Tensor:
        """Return parameters as a row in the network's order."""

    def unpacked(self, rows: Tensor) -> Params:
        """Return what rows in that order hold, [tasks, *shape] for each parameter."""

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        """Return every task's outputs; rows [tasks, parameters], x [tasks, examples, ...]."""


@dataclass(frozen=True)
class TaskStack:
    """The tasks of one call."""

    workload: FewShot
    network: Network
    _together: dict[torch.Size, int] = field(default_factory=dict, compare=False, repr=False)

    def losses(self, rows: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.workload.losses(self.network.outputs(rows, x), y)

    def outputs(self, rows: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return every task's outputs, made for as many at once as slopes are."""
        parts = _parts(self.together(rows, x, y), rows, x)
        return torch.cat([self.network.outputs(*part) for part in parts])

    def slopes(
        self, rows: Tensor, x: Tensor, y: Tensor, plan: CallPlan = CUT
    ) -> tuple[Tensor, Tensor]:
        """Return every task's loss and its gradient, of as many at once as GRAPH_BYTES hold.

        Where bytes are followed, a call on the tasks of some threads keeps as many as they do.
        """
        together = len(x) if plan.whole else self.together(rows, x, y)
        parts = _parts(together * (plan.threads if bytes_are_followed() else 1), rows, x, y)
        found = [self._slopes(_leaf(few), *examples) for few, *examples in parts]
        if len(found) == 1:
            return found[0]
        losses, slopes = zip(*found, strict=True)
        return torch.cat(losses), torch.cat(slopes)

    def _slopes(self, leaf: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        losses = self.losses(leaf, x, y)
        (slopes,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), slopes

    def step(self, rows: Tensor, x: Tensor, y: Tensor, plan: CallPlan) -> tuple[Tensor, Bend]:
        """Return every task's gradient, and what will differentiate it again."""
        if plan.hessians == "stored":
            return self.slopes_to_bend(rows, x, y)
        bent = self.bent if plan.hessians == "recomputed" else self.bent_forward
        return self.slopes(rows, x, y)[1], partial(bent, rows, x, y)

    def slopes_to_bend(self, rows: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Bend]:
        """Return every task's gradient, and keep what it takes to differentiate it again."""
        here = _leaf(rows)
        (slopes,) = torch.autograd.grad(self.losses(here, x, y).sum(), here, create_graph=True)

        def bend(directions: Tensor) -> Tensor:
            (bent,) = torch.autograd.grad(slopes, here, directions)
            return bent

        return slopes.detach(), bend

    def bent(self, rows: Tensor, x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
        """Recompute the gradient and differentiate it backward.

        It takes a quarter more operations, and bytes that don't grow with the inner steps.
        """
        return self.slopes_to_bend(rows, x, y)[1](directions)

    def bent_forward(self, rows: Tensor, x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
        """Recompute the gradient with its tangents along the directions."""
        parts = _parts(self.together(rows, x, y, TANGENTS), rows, x, y, directions)
        return torch.cat([self._tangents(*part) for part in parts])

    def _tangents(self, rows: Tensor, x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
        with ONE_THREAD, forward_ad.dual_level():
            dual = forward_ad.make_dual(_leaf(rows.contiguous()), directions)
            slopes = self._slopes(dual, x, y)[1]
            tangents: Tensor = forward_ad.unpack_dual(slopes).tangent
            return tangents

    def task_bytes(self, theta: Tensor, batch: Tasks, inner_steps: int) -> TaskBytes:
        """Return the bytes that one task keeps, if so many inner steps are differentiated twice."""
        rows = theta.expand(1, -1)
        support = batch.support_x[:1], batch.support_y[:1]
        larger = max(support, (batch.query_x[:1], batch.query_y[:1]), key=lambda x: x[0].numel())
        plain = self.kept_bytes(rows, *larger, to_bend=False)
        bent = self.kept_bytes(rows, *support, to_bend=True) if inner_steps else 0
        tangents = 0
        if inner_steps > 1 and self.network.has_tangents:
            tangents = TANGENTS * self.kept_bytes(rows, *support, to_bend=False)
        return TaskBytes(bent, plain, tangents, theta.nbytes, capped=rows.device.type == "cpu")

    def kept_bytes(self, rows: Tensor, x: Tensor, y: Tensor, *, to_bend: bool) -> int:
        """Return how many bytes the graph of the tasks' losses keeps, or that of their slopes.

        What the tasks are made of is there already, and is often a view of a whole batch.
        """
        kept: dict[int, int] = {}
        given = {tensor.untyped_storage().data_ptr() for tensor in (rows, x, y)}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in given:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with torch.enable_grad(), hooks:  # evaluation asks too
            (self.slopes_to_bend if to_bend else self._slopes)(_leaf(rows), x, y)
        return sum(kept.values())

    def together(self, rows: Tensor, x: Tensor, y: Tensor, graphs: int = 1) -> int:
        """Return of how many tasks the losses are differentiated at once, so many graphs each.

        On a processor that is as many as its caches hold; a GPU has none that matters here.
        """
        if x.device.type != "cpu":
            return len(x)
        shape = x.shape[1:]
        if shape not in self._together:
            self._together[shape] = held(self.kept_bytes(rows[:1], x[:1], y[:1], to_bend=False))
        return max(1, self._together[shape] // graphs)


def _parts(together: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Return what the tensors hold of so many tasks at a time."""
    return zip(*(tensor.split(together) for tensor in tensors), strict=True)


def _leaf(rows: Tensor) -> Tensor:
    """Return the rows as what is differentiated by."""
    return rows.detach().requires_grad_()
