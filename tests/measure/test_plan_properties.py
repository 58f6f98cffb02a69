"""Whatever the suite, a plan measures everything once, both members alike."""

from __future__ import annotations

import dataclasses
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config import RunConfig
from harness.declare.pair import MEMBERS, Pair
from harness.declare.point import key_of
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure.block import Block, block_from
from harness.measure.plan import plan as plan_with
from harness.registry import Registry

REGISTRY = Registry()
PASSES = tuple(REGISTRY.passes)
SETTINGS = st.dictionaries(
    st.sampled_from("ab"), st.integers(0, 2) | st.booleans() | st.sampled_from([0.5, "x"])
)
# Done once for a learner, or for the method alone.
ALONE = {
    each.name for each in REGISTRY.passes.values() if each.rhythm == "learner" or not each.both
}
ROUNDS = [each.name for each in REGISTRY.passes.values() if each.rhythm == "rounds"]
PAIRS = st.lists(
    st.builds(
        Pair,
        name=st.sampled_from("pqrs"),
        baseline=st.sampled_from(["plain", "library"]),
        method=st.sampled_from(["plain", "fast"]),
        workload=st.sampled_from(["toys", "games"]),
        differ=st.just(""),
        passes=st.lists(st.sampled_from(PASSES), min_size=1).map(tuple),
        settings=SETTINGS,
        method_settings=SETTINGS,
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: pair.name,
)
PLANS = st.tuples(
    st.builds(
        lambda pairs, seeds, rounds: Suite(
            "s", "", tuple(pairs), Protocol(seeds=seeds, rounds=rounds)
        ),
        PAIRS,
        st.integers(1, 4),
        st.integers(1, 5),
    ),
    st.builds(
        RunConfig,
        seeds=st.none()
        | st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True).map(tuple),
        rounds=st.none() | st.integers(1, 4),
    ),
)


SWEPT = st.builds(
    lambda planned, sweep: (
        dataclasses.replace(
            planned[0], pair=tuple(dataclasses.replace(p, sweep=sweep) for p in planned[0].pair)
        ),
        planned[1],
    ),
    PLANS,
    st.dictionaries(
        st.sampled_from(["a", "b", "ranks", "method.a", "baseline.b"]),
        st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True).map(tuple),
        min_size=1,
        max_size=3,
    ),
)


def plan(suite: Suite, config: RunConfig) -> list[Block]:
    return plan_with(suite, config, REGISTRY)


@settings(deadline=None)
@given(SWEPT)
def test_at_every_point_of_a_sweep_the_method_has_a_baseline_beside_it(planned):
    blocks = plan(*planned)
    assert len({block.id for block in blocks}) == len(blocks)
    found = {(b.pair.name, b.measured, b.member, b.seed, b.round, key_of(b.point)) for b in blocks}
    for pair in planned[0].pair:
        for name in set(pair.passes) - ALONE:
            for point in pair.points:
                of = {member: key_of(pair.part_of(member, point)) for member in MEMBERS}
                seen = {
                    member: {(s, r) for n, m, w, s, r, at in found
                             if (n, m, w, at) == (pair.name, name, member, of[member])}
                    for member in MEMBERS
                }  # fmt: skip
                assert seen["baseline"] == seen["method"] != set()


@settings(deadline=None)
@given(PLANS)
def test_no_block_is_planned_twice(planned):
    ids = [block.id for block in plan(*planned)]
    assert len(set(ids)) == len(ids)


@settings(deadline=None)
@given(PLANS)
def test_both_members_are_measured_alike(planned):
    suite, config = planned
    blocks = [block for block in plan(suite, config) if block.measured not in ALONE]
    members = Counter((b.pair.name, b.measured, b.seed, b.round) for b in blocks)
    twins = {(b.pair.name, b.measured, b.seed, b.round) for b in blocks if b.member == "twin"}
    assert all(count == 2 + (key in twins) for key, count in members.items())
    assert all(b.measured in ROUNDS and not b.pair.is_aa for b in blocks if b.member == "twin")
    seeds, rounds = config.seeds_of(suite), config.rounds_of(suite)
    owed = {"curve": len(seeds)} | dict.fromkeys(ROUNDS, len(seeds) * rounds)
    for pair in suite.pair:
        for measured in set(pair.passes) - ALONE:
            found = [b for b in blocks if (b.pair.name, b.measured) == (pair.name, measured)]
            members_of = 3 if measured in ROUNDS and not pair.is_aa else 2
            assert len(found) == members_of * owed.get(measured, 1)


@settings(deadline=None)
@given(PLANS)
def test_members_stand_side_by_side(planned):
    blocks = [
        block for block in plan(*planned) if block.measured not in ALONE and block.member != "twin"
    ]
    for first, second in zip(blocks[::2], blocks[1::2], strict=True):
        assert first.member != second.member
        assert (first.pair, first.measured, first.seed, first.round) == (
            second.pair, second.measured, second.seed, second.round
        )  # fmt: skip
        assert first.beside == second.beside


@settings(deadline=None)
@given(PLANS)
def test_every_learner_that_asks_for_it_is_checked_under_its_settings(planned):
    suite, config = planned
    owed = {
        (pair.learner(member), repr(sorted(pair.learner_settings(member).items())))
        for pair in suite.pair
        for member in ("baseline", "method")
        if "check" in pair.passes
    }
    checks = [block for block in plan(suite, config) if block.measured == "check"]
    found = [(b.learner, repr(sorted(b.learner_settings.items()))) for b in checks]
    assert sorted(found) == sorted(owed)


@settings(deadline=None)
@given(PLANS)
def test_every_block_survives_its_journey_to_the_worker(planned):
    for block in plan(*planned):
        assert block_from(block.to_json()) == block
