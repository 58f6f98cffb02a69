"""What pairs share is measured once, and stands in the records of each."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.builtin import builtin_passes
from harness.declare.passes import Pass
from harness.measure.block import Block
from harness.measure.estimate import Estimate
from harness.measure.shared_blocks import Alike
from harness.records.record import Record
from harness.records.seen import Memory
from tests.measure.conftest import QUICK, make_block
from tests.measure.test_run import PAIR, harness, records, suite

PASSES = '"check", "operations", "memory", "step", "curve"'
SHORT = "protocol = { curve_steps = 4, curve_every = 2, curve_tasks = 5, test_tasks = 7 }\n"


def of_pair(block: Block, **about: Any) -> Block:
    return dataclasses.replace(block, pair=dataclasses.replace(block.pair, **about))


@pytest.fixture
def first() -> Block:
    return make_block(measured="memory")


@pytest.fixture
def alike(first: Block) -> Alike:
    found = Alike(builtin_passes())
    found.saw(first, first.record("ok", wall_s=3.0).holding(Memory(live_bytes=1, peak_bytes=2)))
    return found


def test_a_block_of_another_pair_gets_what_its_like_saw_and_not_what_that_cost(
    alike: Alike, first: Block
):
    block = of_pair(first, name="other", differ="another thing", claims=("c",))
    record = alike.of(block)
    assert isinstance(record, Record)
    assert (record.block, record.pair) == (block.id, "other")
    assert record.same_as == first.id
    assert record.seen == Memory(live_bytes=1, peak_bytes=2)
    assert record.wall_s is None


def test_within_a_pair_each_member_is_measured(alike: Alike, first: Block):
    """A baseline against itself is to show what differs from one look to the next."""
    same = of_pair(first, baseline=first.learner)
    assert alike.of(dataclasses.replace(same, member="baseline")) is None


def test_a_copy_whose_source_was_lost_does_not_stand_for_it(first: Block):
    copy = of_pair(first, name="other")
    found = Alike(builtin_passes())
    found.saw(copy, copy.record("ok", same_as=first.id).holding(Memory(live_bytes=1, peak_bytes=2)))
    assert found.of(first) is None
    third = found.of(of_pair(first, name="third"))
    assert third is not None
    assert third.same_as == first.id


def test_a_member_of_the_other_side_is_the_same_learner(alike: Alike, first: Block):
    block = dataclasses.replace(of_pair(first, name="other"), member="baseline")
    record = alike.of(block)
    assert record is not None
    assert record.member == "baseline"


@pytest.mark.parametrize(
    "another",
    [
        {"seed": 1},
        {"threads": 2},
        {"device": "cuda"},
        {"protocol": dataclasses.replace(QUICK, curve_steps=5)},
        {"measured": "operations"},
        {"measured": "step"},  # seconds differ from one look to the next
        {"pair": {"method": "batched_maml"}},
        {"pair": {"workload": "glyphs_5w1s"}},
        {"pair": {"settings": {"meta_batch": 3}}},
        {"pair": {"method_settings": {"first_order": True}}},
        {"pair": {"ranks": 2}},
    ],
    ids=str,
)
def test_whatever_may_change_what_is_seen_is_measured(
    alike: Alike, first: Block, another: dict[str, Any]
):
    block = of_pair(first, name="other", **another.pop("pair", {}))
    assert alike.of(dataclasses.replace(block, **another)) is None


def test_what_failed_stands_for_nothing(first: Block):
    found = Alike(builtin_passes())
    found.saw(first, first.record("failed", reason="too little memory"))
    assert found.of(of_pair(first, name="other")) is None


def test_only_first_blocks_are_owed(first: Block, alike: Alike):
    other, third = of_pair(first, name="other"), of_pair(first, name="third", ranks=2)
    assert list(alike.firsts([other, third])) == [third]
    fresh = Alike(builtin_passes())
    assert list(fresh.firsts([first, other, third])) == [first, third]


def test_where_a_first_block_gives_nothing_the_next_is_owed(first: Block):
    found, other = Alike(builtin_passes()), of_pair(first, name="other")
    assert list(found.firsts([first, other])) == [first]
    assert found.heir_of(first, first.record("ok")) is None
    assert found.heir_of(first, first.record("timeout", reason="slow")) == other
    assert found.heir_of(other, other.record("timeout", reason="slow")) is None
    estimate = Estimate([first], builtin_passes())
    estimate.saw(first, 1.0, first.record("timeout", reason="slow"))
    assert estimate.seconds == (0.0, 0.0)
    estimate.owes(other)
    assert estimate.seconds[0] > 0


@pytest.mark.parametrize("about", [{"rhythm": "rounds"}, {"rhythm": "once", "clocked": True}])
def test_seconds_are_each_pairs_own(about: dict[str, Any]):
    with pytest.raises(ValueError, match="each pair's own"):
        Pass("mine", Memory, measure="mine:take", of_learner=True, **about)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_baseline_that_pairs_share_is_measured_once(tmp_path: Path, jobs: int):
    methods = {"one": "batched_maml", "two": "fast_maml", "three": "batched_maml"}
    one, two, three = (
        PAIR.format(name=name, method=method, passes=PASSES) + SHORT
        for name, method in methods.items()
    )
    tables = [one, two, three.replace("meta_batch = 2", "meta_batch = 3")]
    run = tmp_path / "run"
    done = harness("run", f"suite={suite(tmp_path, *tables)}", f"out={run}", f"jobs={jobs}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {str(record["block"]): record for record in records(run)}
    same = {block: record["same_as"] for block, record in found.items() if record["same_as"]}
    assert same == {
        f"two/{measured}/baseline/seed0/round0": f"one/{measured}/baseline/seed0/round0"
        for measured in ("operations", "memory", "curve")
    }
    for block, other in same.items():
        assert found[block]["seen"] == found[str(other)]["seen"]
    assert "Blocks that pairs share" in (run / "report.html").read_text()
    # A run that goes on finds what its first part measured.
    lines = (run / "records.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"pair": "two"' not in line or '"curve"' not in line]
    (run / "records.jsonl").write_text("".join(kept))
    assert harness("run", f"resume={run}").returncode == 0
    again = {str(record["block"]): record for record in records(run)}
    assert again.keys() == found.keys()
    assert {block: record["same_as"] for block, record in again.items()} == {
        block: record["same_as"] for block, record in found.items()
    }
