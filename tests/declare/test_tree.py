"""What is said of trees of tensors holds for every tensor in them."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch

from harness.declare.tree import (
    all_finite,
    identical,
    leaves,
    live_bytes,
    relative_error,
    rows,
)


@dataclass(frozen=True)
class State:
    params: dict[str, torch.Tensor]
    step: int
    rest: Any = None


class Both(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


A, B, C = (torch.full((2,), float(n)) for n in range(3))
NAN, INF = torch.tensor([0.0, math.nan]), torch.tensor([math.inf, 0.0])


def test_leaves_are_found_in_every_container_in_order():
    tree = State({"a": A}, 3, [Both(B, C), OrderedDict(x=(A,), y=None), "word"])
    assert [float(t[0]) for t in leaves(tree)] == [0.0, 1.0, 2.0, 0.0]


def test_rows_are_taken_of_every_tensor_that_has_some():
    line, square = torch.arange(5.0), torch.arange(10.0).view(5, 2)
    tree = State({"a": line}, 3, [Both(square, line), (torch.tensor(7.0), None), "word"])
    taken = rows(tree, range(1, 5, 2))
    assert isinstance(taken.rest[0], Both)
    owed = State({"a": line[1::2]}, 3, [Both(square[1::2], line[1::2]), (torch.tensor(7.0), None)])
    assert identical(taken.params, owed.params)
    assert identical(taken.rest[:2], owed.rest)
    assert (taken.step, taken.rest[2]) == (3, "word")
    assert identical(rows(tree, range(5)).params, tree.params)


def test_a_modules_parameters_and_buffers_are_leaves():
    module = torch.nn.BatchNorm1d(3)
    found = list(leaves([module]))
    assert len(found) == 5
    assert found[0] is module.weight


@pytest.mark.parametrize("strange", [State, object(), {1.0, 2.0}, lambda: None])
def test_what_cannot_be_looked_into_is_refused_rather_than_passed_over(strange: object):
    with pytest.raises(TypeError, match="cannot be part of a state or batch"):
        list(leaves({"a": torch.zeros(1), "b": strange}))


class TestLiveBytes:
    def test_are_those_of_all_leaves(self):
        assert live_bytes(torch.zeros(3), {"x": torch.zeros(2, dtype=torch.float64)}) == 12 + 16

    def test_count_a_storage_once_however_often_it_is_seen(self):
        whole = torch.zeros(10)
        assert live_bytes(whole, [whole[:5], whole.view(2, 5), whole.expand(3, 10)]) == 40

    def test_count_the_whole_storage_that_a_view_keeps_alive(self):
        assert live_bytes(torch.zeros(10)[:1]) == 40


class TestFinite:
    def test_holds_for_numbers(self):
        assert all_finite([A, torch.tensor([2**62]), torch.tensor([True])])

    @pytest.mark.parametrize("bad", [NAN, INF, -INF])
    def test_fails_for_a_single_entry_wherever_it_stands(self, bad):
        assert not all_finite([A, {"x": (B, bad)}])
        assert not all_finite([bad, A])


class TestIdentical:
    def test_holds_value_by_value(self):
        assert identical({"a": A, "b": [B]}, {"a": A.clone(), "b": [B.clone()]})
        assert not identical([A, B], [A, C])

    def test_takes_nan_for_nan_alone(self):
        assert identical(NAN, NAN.clone())
        assert not identical(NAN, torch.zeros(2))
        assert not identical(torch.zeros(2), NAN)

    def test_takes_infinity_for_infinity_alone(self):
        assert identical(INF, INF.clone())
        assert not identical(INF, torch.tensor([torch.finfo().max, 0.0]))
        assert not identical(INF, -INF)

    def test_takes_a_zero_for_one_of_its_own_sign(self):
        assert not identical(torch.zeros(2), -torch.zeros(2))

    def test_minds_shapes_types_and_numbers_of_leaves(self):
        assert not identical(torch.zeros(2), torch.zeros(2, 1))
        assert not identical(torch.zeros(2), torch.zeros(1))
        assert not identical(torch.zeros(2), torch.zeros(2, dtype=torch.float64))
        assert not identical([A, B], [A])
        assert not identical([], [A])

    def test_holds_for_whole_numbers_and_flags(self):
        assert identical(torch.tensor([1, 2]), torch.tensor([1, 2]))
        assert not identical(torch.tensor([True]), torch.tensor([False]))


class TestRelativeError:
    def test_has_one_scale_for_the_whole_tree(self):
        owed = {"a": torch.tensor([10.0, 0.0]), "b": torch.tensor([0.0])}
        found = {"a": torch.tensor([10.0, 1.0]), "b": torch.tensor([-2.0])}
        assert relative_error(found, owed) == pytest.approx(0.2)

    def test_is_nothing_for_what_was_owed_and_infinite_where_nothing_was(self):
        zero = {"a": torch.zeros(2)}
        assert relative_error(zero, zero) == 0.0
        assert relative_error({"a": torch.ones(2)}, zero) == math.inf

    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize("side", ["found", "owed"])
    def test_is_not_a_number_wherever_one_entry_is_not(self, place, side):
        trees = {name: {f"p{n}": torch.ones(2) for n in range(3)} for name in ("found", "owed")}
        trees[side][f"p{place}"] = NAN
        assert math.isnan(relative_error(**trees))

    def test_is_infinite_where_the_found_is(self):
        assert relative_error({"a": A, "b": INF}, {"a": B, "b": B}) == math.inf

    @pytest.mark.parametrize(
        "found",
        [
            {"a": torch.ones(3)},
            {"a": torch.ones(3), "c": torch.ones(2)},
            {"a": torch.ones(3), "b": torch.ones(2), "c": torch.ones(1)},
            {"a": torch.ones(1), "b": torch.ones(2)},
            {"a": torch.ones(()), "b": torch.ones(2)},
            {"a": torch.ones(3, 1), "b": torch.ones(2)},
        ],
        ids=["missing", "renamed", "more", "one entry", "scalar", "column"],
    )
    def test_is_infinite_between_trees_of_other_names_or_shapes(self, found):
        assert relative_error(found, {"a": torch.ones(3), "b": torch.ones(2)}) == math.inf

    def test_does_not_mind_the_order_of_names(self):
        assert relative_error({"b": B, "a": A}, {"a": A, "b": B}) == 0.0
