"""Any dataclass of plain fields comes back from its own JSON; any JSON is built or refused."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from harness.declare.settings import build
from harness.errors import UsageError


@dataclass(frozen=True)
class Leaf:
    name: str
    value: float | None = None


@dataclass(frozen=True)
class Tree:
    count: int
    rate: float
    kind: Literal["a", "b"]
    flag: bool
    leaf: Leaf
    leaves: tuple[Leaf, ...]
    numbers: tuple[float, ...] | None
    table: dict[str, int | float | str | bool]


FINITE = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.builds(Leaf, st.text(), st.none() | FINITE)
TREES = st.builds(
    Tree,
    st.integers(),
    FINITE,
    st.sampled_from(["a", "b"]),
    st.booleans(),
    LEAVES,
    st.lists(LEAVES, max_size=3).map(tuple),
    st.none() | st.lists(FINITE, max_size=3).map(tuple),
    st.dictionaries(st.text(), st.integers() | FINITE | st.text() | st.booleans(), max_size=3),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=6,
)


@given(TREES)
def test_a_dataclass_comes_back_from_its_own_json(tree):
    assert build(Tree, json.loads(json.dumps(dataclasses.asdict(tree))), "tree") == tree


@given(TREES, st.sampled_from([field.name for field in dataclasses.fields(Tree)]), JSON)
def test_one_foreign_value_is_built_or_refused_by_its_name(tree, name, value):
    given_ = dataclasses.asdict(tree) | {name: value}
    try:
        built = build(Tree, given_, "tree")
    except UsageError as error:
        message = str(error)
    else:
        assert build(Tree, dataclasses.asdict(built), "tree") == built
        return
    assert name in message
