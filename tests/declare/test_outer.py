"""The pure optimizers do what torch.optim does, and change nothing that they were given."""

from __future__ import annotations

import pytest
import torch

from harness.declare.outer import AdamState, Rule, SgdState
from harness.declare.tree import identical, leaves

SHAPES = {"w": (3, 2), "b": (2,), "scalar": ()}
RATE = 0.05


def drawn(seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator, dtype=dtype) for name, shape in SHAPES.items()
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("state_class", "optimizer_class"), [(AdamState, torch.optim.Adam), (SgdState, torch.optim.SGD)]
)
def test_steps_are_those_of_torch_to_the_bit(state_class, optimizer_class, dtype):
    state = state_class.start(drawn(0, dtype))
    params = {name: value.clone().requires_grad_() for name, value in state.params.items()}
    optimizer = optimizer_class(params.values(), lr=RATE)
    for step in range(1, 6):
        grads = drawn(step, dtype)
        state = state.update(grads, RATE)
        for name, value in params.items():
            value.grad = grads[name].clone()
        optimizer.step()
        assert identical(state.params, {name: value.detach() for name, value in params.items()})


@pytest.mark.parametrize(
    ("state_class", "optimizer_class", "rules"),
    [
        (AdamState, torch.optim.Adam, [Rule(0.05, 0.1), Rule(0.01)]),
        (AdamState, torch.optim.AdamW, [Rule(0.05, 0.1, decoupled=True), Rule(0.01, 0.2, True)]),
        (SgdState, torch.optim.SGD, [Rule(0.05, 0.1, momentum=0.9), Rule(0.01, momentum=0.5)]),
        (SgdState, torch.optim.SGD, [Rule(0.05, momentum=0.9), Rule(0.01, 0.3)]),
    ],
)
def test_groups_are_those_of_torch_to_the_bit(state_class, optimizer_class, rules):
    state = state_class.start(drawn(0, torch.float32))
    under = {"w": rules[0], "b": rules[1], "scalar": rules[0]}
    params = {name: value.clone().requires_grad_() for name, value in state.params.items()}
    momentum = {"momentum"} if optimizer_class is torch.optim.SGD else set()
    groups = [
        {"params": [params[name]]}
        | {key: getattr(rule, key) for key in {"lr", "weight_decay", *momentum}}
        for name, rule in under.items()
    ]
    optimizer = optimizer_class(groups)
    for step in range(1, 4):
        grads = drawn(step, torch.float32)
        before = state
        state = state.update(grads, under)
        assert identical(before.update(grads, under), state)
        for name, value in params.items():
            value.grad = grads[name].clone()
        optimizer.step()
        assert identical(state.params, {name: value.detach() for name, value in params.items()})


@pytest.mark.parametrize("state_class", [AdamState, SgdState])
def test_a_step_leaves_the_state_and_the_gradients_as_they_were(state_class):
    state = state_class.start(drawn(0, torch.float32)).update(drawn(1, torch.float32), RATE)
    grads = drawn(2, torch.float32)
    before = [value.clone() for value in leaves([state, grads])]
    after = state.update(grads, RATE)
    assert identical(list(leaves([state, grads])), before)
    assert identical(state.update(grads, RATE), after)
    ours = {value.data_ptr() for value in leaves(state)}
    assert not ours & {value.data_ptr() for value in leaves(after)}


@pytest.mark.parametrize("state_class", [AdamState, SgdState])
def test_gradients_in_another_order_find_their_parameters(state_class):
    state, grads = state_class.start(drawn(0, torch.float32)), drawn(1, torch.float32)
    turned = dict(reversed(grads.items()))
    assert identical(state.update(turned, RATE), state.update(grads, RATE))


@pytest.mark.parametrize("state_class", [AdamState, SgdState])
def test_a_step_is_no_part_of_any_graph(state_class):
    params = {name: value.requires_grad_() for name, value in drawn(0, torch.float32).items()}
    grads = {name: value.requires_grad_() for name, value in drawn(1, torch.float32).items()}
    state = state_class.start(params).update(grads, RATE)
    assert not any(value.requires_grad for value in leaves(state))


def test_adam_remembers_from_step_to_step():
    grads = drawn(1, torch.float32)
    once = AdamState.start(drawn(0, torch.float32)).update(grads, RATE)
    twice = once.update(grads, RATE)
    assert float(twice.steps["w"]) == 2
    assert not identical(
        AdamState.start(once.params).update(drawn(2, torch.float32), RATE).params,
        once.update(drawn(2, torch.float32), RATE).params,
    )
