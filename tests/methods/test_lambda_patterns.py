"""Lambda patterns skip the work that they say, and nothing but that work."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Params
from harness.declare.tree import identical, leaves, relative_error
from harness.declare.workload import Place
from harness.errors import UnknownName, UsageError
from harness.measure.check import check
from harness.measure.operations import operations_of
from harness.registry import Registry
from methods.lambda_patterns import (
    LambdaPatterns,
    naive_masked_adaptation,
    naive_masked_gradient,
)
from methods.update_pattern import every_pattern
from suites.glyph_tasks import Glyphs5Way1Shot
from suites.maml_problems import RandomTasks
from suites.models import MLP

DOUBLE = Place(dtype="float64")
CONV4 = RandomTasks(
    DOUBLE, meta_batch=2, inner_steps=3, inner_lr=0.4, architecture="conv", layers=4, side=12
)
MLP4 = dataclasses.replace(CONV4, architecture="mlp")
SCHEDULES = {
    "maml/00111/anil": ["11111", "00111", "00001"],
    "anil/00110/maml": ["00001", "00110", "11111"],
    "01010/10001/00100": ["01010", "10001", "00100"],
    "maml/anil": ["11111", "00001", "00001"],
}
PATTERNS = [*every_pattern(5), *SCHEDULES]


def implied_operations(schedule: list[str], costs: list[int]) -> int:
    """Count by hand: two operations a multiplication, and each of three products when it is due."""
    total = 0
    for step, pattern in enumerate(schedule):
        reused = min(schedule[step - 1].index("1"), pattern.index("1")) if step else 0
        for group, cost in enumerate(costs):
            total += cost * (group >= reused)  # forward
            total += cost * (group > pattern.index("1"))  # backward to the group's input
            total += cost * (pattern[group] == "1")  # backward to its weights
    return total


def conv4_costs(workload: RandomTasks) -> list[int]:
    images, side, channels, costs = workload.ways * workload.shots, workload.side, 1, []
    for _ in range(workload.layers):
        side = (side + 1) // 2
        costs.append(2 * images * side**2 * workload.width * channels * 9)
        channels = workload.width
    return [*costs, 2 * images * channels * workload.ways]


def mlp_costs(workload: RandomTasks) -> list[int]:
    sizes = [workload.side**2, *[workload.width] * workload.layers, workload.ways]
    examples = workload.ways * workload.shots
    return [2 * examples * before * after for before, after in pairwise(sizes)]


def counted(workload: RandomTasks, pattern: str) -> int:
    learner = LambdaPatterns(workload, pattern)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    return operations_of(lambda: learner.adapt(state, batch)).flops


def assert_close(found: Params, owed: Params) -> None:
    assert found.keys() == owed.keys()
    assert relative_error(found, owed) < 1e-10


@pytest.mark.parametrize("steps", [1, 5, 10])
@pytest.mark.parametrize("pattern", every_pattern(5))
def test_operations_are_those_that_the_pattern_implies(pattern: str, steps: int) -> None:
    workload = dataclasses.replace(CONV4, meta_batch=1, inner_steps=steps)
    assert counted(workload, pattern) == implied_operations(
        [pattern] * steps, conv4_costs(workload)
    )
    workload = dataclasses.replace(workload, architecture="mlp")
    assert counted(workload, pattern) == implied_operations([pattern] * steps, mlp_costs(workload))


@pytest.mark.parametrize(("pattern", "schedule"), SCHEDULES.items())
def test_operations_of_a_pattern_a_step(pattern: str, schedule: list[str]) -> None:
    workload = dataclasses.replace(CONV4, meta_batch=1)
    assert counted(workload, pattern) == implied_operations(schedule, conv4_costs(workload))


def test_operations_of_a_batch_are_its_tasks_own() -> None:
    one, four = (dataclasses.replace(CONV4, meta_batch=tasks) for tasks in (1, 4))
    assert counted(four, "00011") == 4 * counted(one, "00011")


def test_meta_training_through_a_pattern_costs_less() -> None:
    def step(pattern: str) -> int:
        learner = LambdaPatterns(CONV4, pattern)
        state, batch = learner.init(0), CONV4.train_batch(0, 0)
        return operations_of(lambda: learner.step(state, batch)).flops

    assert step("anil") < step("00011") < step("01111") < step("maml")


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("workload", [CONV4, MLP4], ids=["conv4", "mlp"])
def test_adaptation_is_naive_masked_adaptation(workload: RandomTasks, pattern: str) -> None:
    learner = LambdaPatterns(workload, pattern)
    state, batch = learner.init(3), workload.train_batch(3, 0)
    params = {name: p.clone().requires_grad_() for name, p in state.params.items()}
    for found, task in zip(learner.adapt(state, batch), batch, strict=True):
        owed = naive_masked_adaptation(learner, params, task)
        assert_close(found, {name: p.detach() for name, p in owed.items()})


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("first_order", [False, True])
def test_meta_gradient_is_naive_masked_gradient(pattern: str, first_order: bool) -> None:
    workload = dataclasses.replace(CONV4, first_order=first_order)
    learner = LambdaPatterns(workload, pattern)
    state, batch = learner.init(3), workload.train_batch(3, 0)
    found, owed = learner.meta_gradient(state, batch), naive_masked_gradient(learner, state, batch)
    assert_close(found.grads, owed.grads)
    torch.testing.assert_close(found.loss, owed.loss)


@pytest.mark.parametrize("first_order", [False, True])
def test_all_ones_is_maml(first_order: bool) -> None:
    workload = dataclasses.replace(CONV4, first_order=first_order)
    learner, maml = LambdaPatterns(workload, "11111"), ReferenceMaml(workload)
    state, batch = learner.init(1), workload.train_batch(1, 0)
    assert_close(learner.meta_gradient(state, batch).grads, maml.meta_gradient(state, batch).grads)
    for found, owed in zip(learner.adapt(state, batch), maml.adapt(state, batch), strict=True):
        assert_close(found, owed)


def test_a_pattern_at_meta_test_alone_leaves_meta_training_to_maml() -> None:
    learner = LambdaPatterns(CONV4, "anil", in_training=False)
    state, batch = learner.init(1), CONV4.train_batch(1, 0)
    owed = ReferenceMaml(CONV4).meta_gradient(state, batch)
    assert_close(learner.meta_gradient(state, batch).grads, owed.grads)
    assert identical(learner.adapt(state, batch), LambdaPatterns(CONV4, "anil").adapt(state, batch))


@pytest.mark.parametrize(
    ("name", "bits"), [("maml", "11111"), ("anil", "00001"), ("boil", "11110")]
)
def test_named_corners(name: str, bits: str) -> None:
    assert LambdaPatterns(CONV4, name).schedule == LambdaPatterns(CONV4, bits).schedule


def test_what_a_pattern_freezes_is_the_state_itself() -> None:
    learner = LambdaPatterns(CONV4, "01001")
    state = learner.init(0)
    for adapted in learner.adapt(state, CONV4.train_batch(0, 0)):
        kept = {name for name, p in adapted.items() if p is state.params[name]}
        moved = {name for name in adapted if name.startswith(("blocks.1.", "head."))}
        assert kept == adapted.keys() - moved
        assert not any(p.requires_grad for p in adapted.values())


def test_nothing_that_was_passed_in_is_changed() -> None:
    learner = LambdaPatterns(CONV4, "anil/00110/maml")
    state, batch = learner.init(0), CONV4.train_batch(0, 0)
    before = [leaf.clone() for leaf in leaves([state, batch])]
    learner.step(state, batch)
    learner.adapt(state, batch)
    assert identical(list(leaves([state, batch])), before)
    assert not any(leaf.requires_grad for leaf in leaves([state, batch]))


def test_frozen_batch_norm_normalises_support_and_query_each_by_its_own() -> None:
    learner = LambdaPatterns(CONV4, "anil")
    state = learner.init(0)
    task = next(iter(CONV4.train_batch(0, 0)))
    params = state.params

    def features(images: Tensor) -> Tensor:
        for i in range(CONV4.layers):
            images = functional.conv2d(
                images, params[f"blocks.{i}.0.weight"], params[f"blocks.{i}.0.bias"], 2, 1
            )
            variance, mean = torch.var_mean(images, (0, 2, 3), correction=0, keepdim=True)
            scale, shift = (params[f"blocks.{i}.1.{n}"][:, None, None] for n in ("weight", "bias"))
            images = ((images - mean) / (variance + 1e-5).sqrt() * scale + shift).relu()
        return images.mean((2, 3))

    weight, bias = params["head.weight"], params["head.bias"]
    support = features(task.support_x)
    wanted = functional.one_hot(task.support_y).double()
    for _ in range(CONV4.inner_steps):
        slope = ((support @ weight.T + bias).softmax(1) - wanted) / len(support)
        weight = weight - CONV4.inner_lr * slope.T @ support
        bias = bias - CONV4.inner_lr * slope.sum(0)
    [adapted] = learner.adapt(state, dataclasses.replace(CONV4, meta_batch=1).train_batch(0, 0))
    assert_close(
        {"outputs": CONV4.outputs(adapted, task.query_x)},
        {"outputs": features(task.query_x) @ weight.T + bias},
    )


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("0011", ["4 bits", "5 groups", "blocks.0", "head", "00001"]),
        ("00000", ["changes nothing", "00001"]),
        ("annil", ["did you mean 'anil'", "boil", "maml", "one bit"]),
        ("", ["anil"]),
        ("maml/", ["anil"]),
        ("0110x", ["one bit"]),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(pattern: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        LambdaPatterns(CONV4, pattern)
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize("pattern", ["00011", "00110/00001", "1010", "10"])
def test_bits_are_checked_on_networks_of_as_many_groups(pattern: str) -> None:
    registry = Registry()
    entry = registry.find("lambda_patterns", "method")
    result = check(entry, registry, examples=8, given_settings={"pattern": pattern})
    assert result.passed, result.worst_case


def test_the_check_holds_adaptation_to_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    adapted = LambdaPatterns.adapt

    def astray(self, state, batch):
        return [{n: 1.001 * p for n, p in one.items()} for one in adapted(self, state, batch)]

    monkeypatch.setattr(LambdaPatterns, "adapt", astray)
    registry = Registry()
    result = check(registry.find("lambda_patterns", "method"), registry, examples=3)
    assert not result.passed
    assert result.worst_case.startswith("own adaptation")


def test_an_unknown_name_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName):
        LambdaPatterns(CONV4, "fomaml")


def test_a_network_without_stages_is_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class Unstaged(RandomTasks):
        def network(self) -> torch.nn.Module:
            return torch.nn.Linear(3, 2)

    with pytest.raises(UsageError, match="Linear names no stages"):
        LambdaPatterns(Unstaged(DOUBLE))


def test_a_parameter_outside_all_stages_is_refused() -> None:
    class Scaled(MLP):
        def __init__(self) -> None:
            super().__init__(36, (4,), 2)
            self.scale = torch.nn.Parameter(torch.ones(()))

    @dataclasses.dataclass(frozen=True)
    class WithLooseParameter(RandomTasks):
        def network(self) -> torch.nn.Module:
            return Scaled()

    with pytest.raises(UsageError, match="parameters scale of Scaled"):
        LambdaPatterns(WithLooseParameter(DOUBLE))


def test_the_check_holds_it_to_its_definition_and_corners() -> None:
    registry = Registry()
    result = check(registry.find("lambda_patterns", "method"), registry, examples=6)
    assert result.passed, result.worst_case
    assert result.equivalence == "Approximate"
    assert result.cosine < 0.999  # ANIL's gradient is not MAML's


def test_it_adapts_on_glyphs() -> None:
    workload = Glyphs5Way1Shot(meta_batch=2, filters=8)
    learner = LambdaPatterns(workload, "00011")
    state, loss = learner.step(learner.init(0), workload.train_batch(0, 0))
    assert torch.isfinite(loss)
    assert learner.evaluate(state, workload.eval_batch(0, "valid", 0, 3)).shape == (3,)
