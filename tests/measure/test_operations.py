"""Operations are counted as the arithmetic has them, whatever shape the kernels give it."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad, vmap

from harness.declare.workload import Place
from harness.measure.operations import operations_of
from suites.glyph_tasks import Glyphs5Way1Shot


def test_a_matrix_product_and_its_two_backward_products():
    a, b = torch.ones(3, 5, requires_grad=True), torch.ones(5, 7, requires_grad=True)
    seen = operations_of(lambda: (a @ b).sum().backward())
    assert seen.flops == 3 * (2 * 3 * 5 * 7)
    assert seen.backward_passes == 1


@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_of_per_task_weights_cost_what_they_cost_one_by_one(stride: int):
    weights, images = torch.ones(4, 6, 3, 3, 3), torch.ones(4, 2, 3, 8, 8)

    def loss(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(x, weight, stride=stride, padding=1).square().sum()

    one_by_one = operations_of(
        lambda: [grad(loss, argnums=(0, 1))(w, x) for w, x in zip(weights, images, strict=True)]
    )
    together = operations_of(lambda: vmap(grad(loss, argnums=(0, 1)))(weights, images))
    assert together.flops == one_by_one.flops
    assert (one_by_one.backward_passes, together.backward_passes) == (4, 1)


def test_batching_tasks_on_conv4_saves_passes_and_no_operations():
    from baselines.reference_maml import ReferenceMaml
    from methods.batched_maml import BatchedMaml

    workload = Glyphs5Way1Shot(Place(), meta_batch=3, filters=8)
    plain, batched = ReferenceMaml(workload), BatchedMaml(workload)
    state, batch = plain.init(0), workload.train_batch(0, 0)
    of_plain = operations_of(lambda: plain.step(state, batch))
    of_batched = operations_of(lambda: batched.step(state, batch))
    assert of_batched.flops == pytest.approx(of_plain.flops, rel=0.02)
    assert of_plain.backward_passes == 3 + 1
    assert of_batched.backward_passes == 2


def test_every_way_into_the_engine_is_counted():
    def call() -> None:
        x = torch.ones(2, requires_grad=True)
        (x * x).sum().backward()
        torch.autograd.grad((x * x).sum(), x)
        grad(lambda y: (y * y).sum())(x.detach())

    assert operations_of(call).backward_passes == 3
