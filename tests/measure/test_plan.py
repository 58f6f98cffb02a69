"""A suite becomes an ordered list of blocks, in which drift falls on both members alike."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from typing import get_args

import pytest

from harness.config import RunConfig
from harness.declare.suite import Pair, Pass, Protocol, Suite
from harness.measure.block import Block, block_from
from harness.measure.plan import plan, plan_hash

FAST = Pair("fast", "plain", "fast", "toys", "how", ("check", "step"))
AA = Pair("aa", "plain", "plain", "toys", "nothing", ("check", "step"))
EVERY = Pair("every", "plain", "other", "toys", "all", get_args(Pass))
PROTOCOL = Protocol(seeds=2, rounds=3)


def suite_of(*pairs: Pair, **protocol: int) -> Suite:
    return Suite("s", "S", pairs, dataclasses.replace(PROTOCOL, **protocol))


def ids(suite: Suite, config: RunConfig | None = None, measured: str = "") -> list[str]:
    blocks = plan(suite, config or RunConfig())
    return [block.id for block in blocks if measured in ("", block.measured)]


def test_rounds_are_interleaved_across_pairs_and_turned_round():
    assert ids(suite_of(FAST, AA, seeds=1, rounds=2), measured="step") == [
        "fast/step/baseline/seed0/round0",
        "fast/step/method/seed0/round0",
        "aa/step/baseline/seed0/round0",
        "aa/step/method/seed0/round0",
        "fast/step/method/seed0/round1",
        "fast/step/baseline/seed0/round1",
        "aa/step/method/seed0/round1",
        "aa/step/baseline/seed0/round1",
    ]


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
@pytest.mark.parametrize("measured", ["step", "adaptation", "variant_times"])
def test_within_every_seed_each_member_is_first_in_every_other_round(seeds, measured):
    suite = suite_of(EVERY, seeds=seeds, rounds=4)
    first: dict[int, list[str]] = {}
    for block in plan(suite, RunConfig()):
        if block.measured == measured:
            first.setdefault(block.seed, []).append(block.member)
    assert len(first) == seeds
    for members in first.values():
        leading = members[::2]
        assert len(leading) == 4
        assert all(before != after for before, after in itertools.pairwise(leading))


def test_curves_are_interleaved_too_since_their_seconds_count():
    assert ids(suite_of(EVERY, seeds=3), measured="curve") == [
        "every/curve/baseline/seed0/round0",
        "every/curve/method/seed0/round0",
        "every/curve/method/seed1/round0",
        "every/curve/baseline/seed1/round0",
        "every/curve/baseline/seed2/round0",
        "every/curve/method/seed2/round0",
    ]


def test_checks_come_first_and_curves_last():
    measured = [block.measured for block in plan(suite_of(EVERY), RunConfig())]
    assert list(dict.fromkeys(measured)) == [
        "check",
        "trajectory",
        "operations",
        "memory",
        "growth",
        "step",
        "adaptation",
        "variant_times",
        "scaling",
        "curve",
        "variants",
    ]


def test_what_does_not_vary_is_measured_once():
    counts = Counter(block.measured for block in plan(suite_of(EVERY), RunConfig()))
    assert counts == {
        "check": 2, "trajectory": 2, "operations": 2, "memory": 2, "growth": 2,
        "step": 12, "adaptation": 12, "variant_times": 12, "curve": 4, "variants": 2, "scaling": 48,
    }  # fmt: skip


def test_variants_are_the_method_s_alone_since_one_of_them_is_the_baseline_s_equal():
    assert ids(suite_of(EVERY), measured="variants") == [
        "every/variants/method/seed0/round0",
        "every/variants/method/seed1/round0",
    ]


def test_a_learner_is_checked_once_however_many_pairs_it_is_in():
    assert ids(suite_of(FAST, AA, EVERY), measured="check") == [
        "fast/check/baseline/seed0/round0",
        "fast/check/method/seed0/round0",
        "every/check/method/seed0/round0",
    ]


def test_a_learner_is_checked_again_under_other_settings():
    tuned = dataclasses.replace(FAST, name="tuned", method_settings={"n": 2})
    assert "tuned/check/method/seed0/round0" in ids(suite_of(FAST, tuned), measured="check")


def test_a_learner_is_checked_again_in_another_team():
    two = dataclasses.replace(FAST, name="two", ranks=2)
    again = dataclasses.replace(two, name="again")
    over_horovod = dataclasses.replace(two, name="horovod", communicator="horovod")
    assert ids(suite_of(FAST, two, again, over_horovod), measured="check") == [
        "fast/check/baseline/seed0/round0",
        "fast/check/method/seed0/round0",
        "two/check/method/seed0/round0",
        "horovod/check/method/seed0/round0",
    ]


def test_each_members_processes_get_their_share_of_the_threads():
    pair = dataclasses.replace(FAST, ranks=2)
    blocks = plan(suite_of(pair), RunConfig(threads=5))
    assert {(b.member, b.ranks, b.threads) for b in blocks} == {
        ("baseline", 1, 4),
        ("method", 2, 2),
    }


def test_a_pair_is_measured_by_its_own_passes_alone():
    assert {block.measured for block in plan(suite_of(FAST), RunConfig())} == {"check", "step"}


def test_the_words_of_the_run_go_before_the_suite():
    config = RunConfig(
        seeds=(7, 3), rounds=1, threads=5, device="cuda:1", data_dir="d", plugins=("p",)
    )
    blocks = plan(suite_of(EVERY), config)
    alone = [block for block in blocks if block.measured != "scaling"]  # ranks share the threads
    assert {(b.threads, b.device, b.data_dir, b.plugins) for b in alone} == {
        (5, "cuda:1", "d", ("p",))
    }
    assert {block.seed for block in blocks if block.measured == "step"} == {7, 3}
    assert {block.seed for block in blocks if block.measured == "memory"} == {7}
    assert {block.round for block in blocks} == {0}


def test_a_block_survives_its_journey_to_the_worker():
    for block in plan(suite_of(EVERY), RunConfig(data_dir="d", plugins=("p.py",))):
        assert block_from(block.to_json()) == block


class TestTheHash:
    BLOCKS = plan(suite_of(FAST, AA), RunConfig())

    def test_is_the_same_for_the_same_plan(self):
        assert plan_hash(plan(suite_of(FAST, AA), RunConfig())) == plan_hash(self.BLOCKS)
        assert len(plan_hash(self.BLOCKS)) == 16

    def test_survives_the_journey_through_the_manifest(self):
        assert plan_hash([block_from(b.to_json()) for b in self.BLOCKS]) == plan_hash(self.BLOCKS)

    def test_does_not_say_where_data_and_plugins_lie(self):
        there, elsewhere = (
            plan_hash(plan(suite_of(FAST), RunConfig(data_dir=folder, plugins=(f"{folder}/p.py",))))
            for folder in ("here", "there")
        )
        assert there == elsewhere
        assert there != plan_hash(
            plan(suite_of(FAST), RunConfig())
        )  # but it does say that there are

    @pytest.mark.parametrize(
        "change",
        [
            {"rounds": 4},
            {"seeds": (0,)},
            {"seeds": (1, 0)},
            {"threads": 2},
            {"device": "cuda"},
        ],
        ids=str,
    )
    def test_tells_other_words(self, change):
        assert plan_hash(plan(suite_of(FAST, AA), RunConfig(**change))) != plan_hash(self.BLOCKS)

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "other"},
            {"workload": "others"},
            {"settings": {"n": 1}},
            {"method_settings": {"n": 1}},
            {"name": "fats"},
        ],
        ids=str,
    )
    def test_tells_other_pairs(self, change):
        other = suite_of(dataclasses.replace(FAST, **change), AA)
        assert plan_hash(plan(other, RunConfig())) != plan_hash(self.BLOCKS)

    @pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Protocol)])
    def test_tells_every_other_protocol(self, name):
        value = getattr(PROTOCOL, name)
        longer = (*value, value[-1] + 1) if isinstance(value, tuple) else value + 2
        other = dataclasses.replace(PROTOCOL, **{name: longer})
        blocks = plan(Suite("s", "S", (FAST, AA), other), RunConfig())
        assert plan_hash(blocks) != plan_hash(self.BLOCKS)

    def test_tells_another_order(self):
        assert plan_hash(self.BLOCKS[::-1]) != plan_hash(self.BLOCKS)


def test_a_block_knows_its_learner_and_writes_it_into_its_record():
    pair = dataclasses.replace(FAST, settings={"b": 2, "a": 1}, method_settings={"n": 3})
    block = Block(pair, "step", "method", 4, 5, PROTOCOL, threads=2)
    record = block.record("ok", seconds=(1.0,))
    assert (record.block, record.learner) == ("fast/step/method/seed4/round5", "fast")
    assert (record.settings, record.learner_settings) == ("a=1 b=2", "n=3")
    assert (record.seed, record.round, record.threads, record.device) == (4, 5, 2, "cpu")
    assert record.seconds == (1.0,)


class TestScaling:
    SHARED = Pair("shared", "plain", "fast", "toys", "ranks", ("check", "scaling"), ranks=2)

    def blocks(self, **config: int) -> list[Block]:
        suite = suite_of(self.SHARED, seeds=1, rounds=2)
        every = plan(suite, RunConfig(**config))
        return [block for block in every if block.measured == "scaling"]

    def test_a_round_holds_the_baseline_and_every_point_once_and_the_next_turns_it_round(self):
        first = [block.id for block in self.blocks() if block.round == 0]
        assert first == [
            "shared/scaling-1x32/baseline/seed0/round0",
            "shared/scaling-1x32/method/seed0/round0",
            "shared/scaling-2x32/method/seed0/round0",
            "shared/scaling-3x32/method/seed0/round0",
            "shared/scaling-4x32/method/seed0/round0",
            "shared/scaling-1x8/method/seed0/round0",
            "shared/scaling-2x16/method/seed0/round0",
            "shared/scaling-3x24/method/seed0/round0",
        ]
        second = [block.id for block in self.blocks() if block.round == 1]
        assert second == [each.replace("round0", "round1") for each in first[::-1]]

    def test_a_block_has_the_ranks_and_the_tasks_that_its_name_says(self):
        for block in self.blocks():
            shown = block.id.split("/")[1]
            assert shown == f"scaling-{block.ranks}x{block.tasks}"
            assert block.pair.settings == {"meta_batch": block.tasks}
            assert block.record("ok").tasks == block.tasks

    @pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 1), (16, 4)])
    def test_every_rank_has_as_many_threads_wherever_it_stands(self, cores, threads):
        assert {block.threads for block in self.blocks(threads=cores)} == {threads}

    def test_a_block_survives_its_journey_to_the_worker(self):
        for block in self.blocks():
            assert block_from(block.to_json()) == block
