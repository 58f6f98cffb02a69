"""The distances of hypergradients are those that are known, and told in one table."""

from __future__ import annotations

import pytest
import torch

from baselines.hypergradient_distances import (
    Distance,
    _gradient,
    _problem,
    cosine,
    distances,
    main,
    table,
)
from baselines.neumann_hypergradient import NeumannHypergradient
from harness.registry import Registry
from suites.bilevel_problems import BilevelProblems


def test_distances_are_those_that_are_known() -> None:
    learners = ("unrolled_hypergradient", "darts_hypergradient", "sama_na", "sama")
    told = list(distances(learners, seeds=1))
    assert len(told) == 16
    counts = {"nothing": 4, "losses": 1}
    assert all(len(each.cosines) == len(each.errors) == counts[each.shown] for each in told)
    found = {(each.learner, each.optimizer): each for each in told if each.shown == "nothing"}
    # Fifty steps at .6 each solve the base problem, and unrolling them leaves nothing out.
    assert found["unrolled_hypergradient", "sgd"].figures == pytest.approx((1, 1, 0, 0), abs=1e-8)
    darts, na, sama = (found[name, "sgd"] for name in learners[1:])
    assert darts.errors == pytest.approx(na.errors)
    assert na.errors == sama.errors
    assert darts.figures[2] > 0.1
    assert found["sama", "adam"].errors != found["sama_na", "adam"].errors


def test_probes_that_show_losses_are_further_from_the_direction_than_the_product_is() -> None:
    found = {each.shown: each for each in distances(["darts_hypergradient"], seeds=2)}
    registry = Registry()
    oracle_class = registry.find(BilevelProblems.oracle, "baseline").load()
    for seed in range(2):
        workload = _problem("losses", "adam")
        owed = _gradient(oracle_class, workload, seed)
        learner = NeumannHypergradient(workload, iterations=0)
        batch = workload.train_batch(seed, 0)
        exact = cosine(learner.meta_gradient(learner.init(seed), batch).grads, owed)
        probed = found["losses"].cosines[seed]
        assert exact is not None
        assert probed is not None
        assert 1 - probed > 3 * (1 - exact)


def test_a_zero_gradient_has_no_direction() -> None:
    some, none = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.zeros(2)}
    assert cosine(some, some) == pytest.approx(1)
    assert cosine(some, none) is cosine(none, some) is cosine(none, none) is None


def test_gradients_without_a_direction_are_counted_and_left_out() -> None:
    mixed = Distance("sama", "sgd", "nothing", (None, 0.5, 0.25, 0.75), (1.0, 0.5, 0.5, 0.5))
    assert mixed.figures == (0.5, 0.25, 0.5, 1.0)
    empty = Distance("still", "sgd", "nothing", (None,), (1.0,))
    assert empty.figures == (None, None, 1.0, 1.0)
    *_, first, last = table([mixed, empty]).splitlines()
    assert first.split() == ["sama", "0.500", "0.250", "0.500", "1.000", *NOTE.split()]
    assert last.split()[:5] == ["still", "-", "-", "1.000", "1.000"]


NOTE = "(1 of 4 without a direction)"


def test_the_command_prints_a_row_for_each_optimizer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neumann_hypergradient", "--seeds", "1"]) == 0
    out, progress = capsys.readouterr()
    assert "base optimizer sgd, nothing shown, neumann_hypergradient: 1 of 4, about" in progress
    assert progress.splitlines()[-1].endswith("losses shown, neumann_hypergradient: 4 of 4")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["base", "learner", "neumann_hypergradient"] * 4
    assert lines[::3] == [
        f"base optimizer {optimizer}, {shown} shown"
        for optimizer in ("sgd", "adam")
        for shown in ("nothing", "losses")
    ]
    assert all(float(figure) >= -1 for line in lines[2::3] for figure in line.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sama_ma"], "sama"),
        (["batched_maml"], "of the family 'maml'"),
        (["--threads", "0"], "--threads 0: give 1 or more"),
        (["--seeds", "0"], "--seeds 0: give 1 or more"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
