"""The distances of hypergradients are those that are known, and told in one table."""

from __future__ import annotations

import pytest

from baselines.hypergradient_distances import distances, main


def test_distances_are_those_that_are_known() -> None:
    learners = ("unrolled_hypergradient", "darts_hypergradient", "sama_na", "sama")
    found = {(each.learner, each.optimizer): each for each in distances(learners, seeds=1)}
    assert len(found) == 8
    assert all(len(each.cosines) == len(each.errors) == 4 for each in found.values())
    # Fifty steps at .6 each solve the base problem, and unrolling them leaves nothing out.
    assert found["unrolled_hypergradient", "sgd"].figures == pytest.approx((1, 1, 0, 0), abs=1e-8)
    darts, na, sama = (found[name, "sgd"] for name in learners[1:])
    assert darts.errors == pytest.approx(na.errors)
    assert na.errors == sama.errors
    assert darts.figures[2] > 0.1
    assert found["sama", "adam"].errors != found["sama_na", "adam"].errors


def test_the_command_prints_a_row_for_each_optimizer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neumann_hypergradient", "--seeds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        *("base", "learner", "neumann_hypergradient"),
        *("base", "learner", "neumann_hypergradient"),
    ]
    assert all(float(figure) >= -1 for line in lines[2::3] for figure in line.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sama_ma"], "sama"),
        (["batched_maml"], "of the family 'maml'"),
        (["--seeds", "0"], "--seeds 0: give 1 or more"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
