"""A suite becomes an ordered list of blocks, in which drift falls on both members alike."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.errors import UsageError
from harness.measure.block import Block, block_from
from harness.measure.plan import plan as plan_with
from harness.measure.plan import plan_hash
from harness.records.seen import SPINE
from harness.registry import Registry

FAST = Pair("fast", "plain", "fast", "toys", "how", ("check", "step"))
AA = Pair("aa", "plain", "plain", "toys", "nothing", ("check", "step"))
EVERY = Pair("every", "plain", "other", "toys", "all", tuple(Registry().passes))
PROTOCOL = Protocol(seeds=2, rounds=3)


REGISTRY = Registry()


def plan(suite: Suite, config: RunConfig) -> list[Block]:
    return plan_with(suite, config, REGISTRY)


def suite_of(*pairs: Pair, **protocol: int) -> Suite:
    return Suite("s", "S", pairs, dataclasses.replace(PROTOCOL, **protocol))


def ids(suite: Suite, config: RunConfig | None = None, measured: str = "") -> list[str]:
    blocks = plan(suite, config or RunConfig())
    return [block.id for block in blocks if measured in ("", block.measured)]


def test_rounds_are_interleaved_across_pairs_and_bring_the_baseline_s_twin():
    assert ids(suite_of(FAST, AA, seeds=1, rounds=2), measured="step") == [
        f"{each}/seed0/round{round_}"
        for round_ in range(2)
        for each in (
            "fast/step/baseline",
            "fast/step/method",
            "fast/step/twin",
            "aa/step/baseline",  # whose method is a twin already
            "aa/step/method",
        )
    ]


@pytest.mark.parametrize("measured", ["step", "adaptation", "variant_times"])
def test_what_is_timed_beside_each_other_says_so(measured):
    blocks = [b for b in plan(suite_of(EVERY), RunConfig()) if b.measured == measured]
    beside = {b.beside: set() for b in blocks}
    for block in blocks:
        beside[block.beside].add((block.member, block.seed, block.round))
    assert len(beside) == 2 * 3
    for together in beside.values():
        ((seed, round_),) = {at for _, *at in together for at in [tuple(at)]}
        assert together == {(m, seed, round_) for m in ("baseline", "method", "twin")}


def test_a_twin_is_the_baseline_in_all_but_its_name():
    pair = dataclasses.replace(FAST, baseline_settings={"n": 2}, settings={"m": 3}, ranks=2)
    blocks = {b.member: b for b in plan(suite_of(pair), RunConfig(threads=4))}
    one, other = blocks["baseline"], blocks["twin"]
    assert dataclasses.replace(other, member="baseline") == one
    assert (other.learner, other.learner_settings, other.ranks, other.threads) == (
        "plain", {"n": 2}, 1, 4
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ranks", "cores", "crowded"), [(2, 2, False), (3, 2, True), (1, 1, False)]
)
def test_all_seconds_count_where_ranks_keep_each_other_from_the_cores(ranks, cores, crowded):
    pair = dataclasses.replace(FAST, ranks=ranks)
    blocks = [b for b in plan(suite_of(pair), RunConfig(threads=cores)) if b.measured == "step"]
    assert {block.all_count for block in blocks} == {crowded}


def test_curves_are_interleaved_too_since_their_seconds_count():
    assert ids(suite_of(EVERY, seeds=3), measured="curve") == [
        "every/curve/baseline/seed0/round0",
        "every/curve/method/seed0/round0",
        "every/curve/method/seed1/round0",
        "every/curve/baseline/seed1/round0",
        "every/curve/baseline/seed2/round0",
        "every/curve/method/seed2/round0",
    ]


def test_a_pair_may_train_with_more_seeds_than_the_run_and_has_the_run_s_rounds():
    more = dataclasses.replace(EVERY, name="more", protocol={"seeds": 5})
    blocks = plan(suite_of(EVERY, more), RunConfig())

    def seeds(pair: str, measured: str) -> set[int]:
        return {b.seed for b in blocks if (b.pair.name, b.measured) == (pair, measured)}

    assert seeds("every", "curve") == seeds("more", "step") == {0, 1}
    assert seeds("more", "curve") == set(range(5))
    asked = suite_of(EVERY, more).without_own_seeds()
    alike = plan(asked, RunConfig(seeds=(3, 7)))
    assert {b.seed for b in alike if b.measured == "curve"} == {3, 7}


def test_checks_come_first_and_curves_last():
    measured = [block.measured for block in plan(suite_of(EVERY), RunConfig())]
    rhythms = [REGISTRY.passes[name].rhythm for name in dict.fromkeys(measured)]
    assert rhythms == sorted(rhythms, key=("learner", "once", "rounds", "seeds").index)
    assert set(measured) == set(REGISTRY.passes)


KNOWN = (*(each.name for each in SPINE), "variants", "variant_times", "variant_operations", "wire")


def test_what_does_not_vary_is_measured_once():
    counts = Counter(block.measured for block in plan(suite_of(EVERY), RunConfig()))
    spine_and_variants = {name: counts[name] for name in counts if name in KNOWN}
    assert spine_and_variants == {
        "check": 2, "trajectory": 2, "operations": 2, "memory": 2, "variant_operations": 2,
        "step": 18, "adaptation": 18, "variant_times": 18, "wire": 6, "curve": 4, "variants": 2,
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
        ("twin", 1, 4),
    }


def test_a_pair_is_measured_by_its_own_passes_alone():
    assert {block.measured for block in plan(suite_of(FAST), RunConfig())} == {"check", "step"}


def test_the_words_of_the_run_go_before_the_suite():
    config = RunConfig(
        seeds=(7, 3), rounds=1, threads=5, device="cuda:1", data_dir="d", plugins=("p",)
    )
    blocks = plan(suite_of(EVERY), config)
    assert {(b.threads, b.device, b.data_dir, b.plugins) for b in blocks} == {
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
        other = dataclasses.replace(PROTOCOL, **{name: value + 2})
        blocks = plan(Suite("s", "S", (FAST, AA), other), RunConfig())
        assert plan_hash(blocks) != plan_hash(self.BLOCKS)

    def test_tells_another_order(self):
        assert plan_hash(self.BLOCKS[::-1]) != plan_hash(self.BLOCKS)


def test_a_block_knows_its_learner_and_writes_it_into_its_record():
    pair = dataclasses.replace(FAST, settings={"b": 2, "a": 1}, method_settings={"n": 3})
    block = Block(pair, "step", "method", 4, 5, PROTOCOL, threads=2)
    record = block.record("ok", load=1.0)
    assert (record.block, record.learner) == ("fast/step/method/seed4/round5", "fast")
    assert (record.settings, record.learner_settings) == ("a=1 b=2", "n=3")
    assert (record.seed, record.round, record.threads, record.device) == (4, 5, 2, "cpu")
    assert (record.load, record.point) == (1.0, {})


class TestSweeps:
    GROWING = dataclasses.replace(FAST, sweep={"inner_steps": (1, 4)}, swept=("memory",))

    def test_take_their_passes_at_every_point_and_the_others_at_home(self):
        assert ids(suite_of(self.GROWING, seeds=1, rounds=1)) == [
            "fast/check/baseline/seed0/round0",
            "fast/check/method/seed0/round0",
            "fast/memory@inner_steps=1/baseline/seed0/round0",
            "fast/memory@inner_steps=1/method/seed0/round0",
            "fast/memory@inner_steps=4/baseline/seed0/round0",
            "fast/memory@inner_steps=4/method/seed0/round0",
            "fast/step/baseline/seed0/round0",
            "fast/step/method/seed0/round0",
            "fast/step/twin/seed0/round0",
        ]

    def test_without_passes_of_their_own_take_all_at_the_points(self):
        pair = dataclasses.replace(FAST, sweep={"a": (1, 2), "b": ("x",)}, passes=("memory",))
        assert ids(suite_of(pair)) == [
            f"fast/memory@a={a},b=x/{member}/seed0/round0"
            for a in (1, 2)
            for member in ("baseline", "method")
        ]

    def test_measure_a_member_once_where_the_points_leave_it_as_it_is(self):
        pair = dataclasses.replace(FAST, sweep={"method.chunk": (1, 2)}, passes=("memory",))
        assert ids(suite_of(pair)) == [
            "fast/memory/baseline/seed0/round0",
            "fast/memory@method.chunk=1/method/seed0/round0",
            "fast/memory@method.chunk=2/method/seed0/round0",
        ]

    def test_set_what_a_block_is_measured_with(self):
        sweep = ({"ranks": 2, "meta_batch": 8}, {"method.chunk": 3, "baseline.x": "y"})
        pair = dataclasses.replace(FAST, sweep=sweep, passes=("step",), settings={"meta_batch": 1})
        blocks = plan(suite_of(pair, seeds=1, rounds=1), RunConfig(threads=4))
        first = [(b.member, b.ranks, b.pair.settings, b.learner_settings) for b in blocks]
        assert [each for each in first if each[0] != "twin"] == [
            ("baseline", 1, {"meta_batch": 8}, {}),
            ("method", 2, {"meta_batch": 8}, {}),
            ("baseline", 1, {"meta_batch": 1}, {"x": "y"}),
            ("method", 1, {"meta_batch": 1}, {"chunk": 3}),
        ]

    def test_check_a_learner_at_each_of_its_settings(self):
        pair = dataclasses.replace(FAST, sweep={"method.chunk": (1, 2), "n": (5, 6)})
        assert ids(suite_of(pair), measured="check") == [
            "fast/check@n=5/baseline/seed0/round0",
            "fast/check@method.chunk=1,n=5/method/seed0/round0",
            "fast/check@method.chunk=2,n=5/method/seed0/round0",
        ]

    @pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 1), (16, 4)])
    def test_over_ranks_give_every_rank_as_many_threads_wherever_it_stands(self, cores, threads):
        pair = dataclasses.replace(FAST, sweep={"ranks": (1, 2, 4)}, passes=("step",))
        blocks = plan(suite_of(pair), RunConfig(threads=cores))
        assert {block.threads for block in blocks if block.member == "method"} == {threads}

    def test_turn_their_points_round_at_every_other_seed(self):
        pair = dataclasses.replace(FAST, sweep={"n": (1, 2)}, passes=("curve",))
        found = ids(suite_of(pair, seeds=2))
        assert found[4:] == [each.replace("seed0", "seed1") for each in found[:4][::-1]]

    @pytest.mark.parametrize(
        ("sweep", "lanes"),
        [
            ({"n": (1, 2)}, [3, 3]),
            ({"method.n": (1, 2)}, [4]),
            ({"baseline.n": (1, 2)}, [5]),
            ({"ranks": (1, 2, 4), "n": (1, 2)}, [5, 5]),
            ({"method.n": (1, 2), "baseline.n": (1, 2)}, [6]),
        ],
        ids=str,
    )
    def test_are_timed_beside_each_other_where_they_share_a_member(self, sweep, lanes):
        pair = dataclasses.replace(FAST, sweep=sweep, passes=("step",))
        blocks = plan(suite_of(pair, seeds=1, rounds=1), RunConfig(threads=4))
        assert sorted(Counter(block.beside for block in blocks).values()) == lanes

    def test_too_many_to_hold_say_how_many(self):
        sweep = {name: tuple(range(46)) for name in "abc"}
        pair = dataclasses.replace(FAST, sweep=sweep, passes=("step",))
        with pytest.raises(UsageError, match=r"1,752,048 blocks.* 200,000.*97,336 points"):
            plan(suite_of(pair), RunConfig())

    def test_survive_the_journey_to_the_worker(self):
        for block in plan(suite_of(self.GROWING), RunConfig()):
            assert block_from(block.to_json()) == block


def test_a_pass_of_a_study_is_told_the_studys_settings():
    suite = dataclasses.replace(suite_of(EVERY), study={"variants": {"calls": 3}})
    told = {block.measured: block.study for block in plan(suite, RunConfig())}
    assert told["variant_times"] == {"calls": 3}
    assert told["step"] == {}
