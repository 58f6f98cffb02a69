"""The timed blocks of a pair: how they ran and warmed up, and how long their steps took."""

from __future__ import annotations

from harness.judge.noise.timed_blocks import block_times, member_runs
from tests.judge.builders import PAIR, checks, counts, evidence, judged, record


def step(member: str, round_: int, seconds: tuple[float, ...], **seen: object):
    return record(PAIR, "step", member, 0, round_, seconds=seconds, **seen)


def test_steps_stand_in_the_order_of_the_plan_whatever_the_member():
    records = [
        step("method", 0, (0.1, 0.3, 0.2)),
        step("baseline", 0, (0.5, 0.4, 0.6)),
        step("baseline", 1, (0.7,)),
    ]
    found = list(block_times(evidence(records), PAIR))
    assert [(each.member, each.place) for each in found] == [
        ("method", 1),
        ("baseline", 2),
        ("baseline", 3),
    ]
    assert [(each.low, each.median, each.high) for each in found] == [
        (0.1, 0.2, 0.3),
        (0.4, 0.5, 0.6),
        (0.7, 0.7, 0.7),
    ]


def test_what_was_timed_tells_how_a_member_ran():
    records = [
        *counts(PAIR, fast_paths="counted"),
        step("method", 0, (0.1,), warmup_s=2.0, warmup_steady=True, fast_paths="vmap"),
        step("method", 1, (0.1,), warmup_s=4.0, warmup_steady=False, compile_s=9.0, threads=2),
    ]
    baseline, method = member_runs(evidence(records), PAIR)
    assert baseline.fast_paths == ("counted",)  # nothing of it was timed
    assert (baseline.warmup_s, baseline.compile_s, baseline.steady) == (None, None, None)
    assert method.fast_paths == ("vmap",)
    assert method.teams == ((1, 1), (1, 2))
    assert (method.warmup_s, method.compile_s) == (3.0, 9.0)
    assert (method.steady, method.told_steady) == (1, 2)


def test_a_pair_whose_check_failed_shows_how_it_ran_and_no_time():
    records = [step("baseline", 0, (0.2,), warmup_s=1.0), step("method", 0, (0.1,), warmup_s=1.0)]
    shown = judged(checks(PAIR) + records).pairs[0]
    assert (len(shown.block_times), shown.member_runs[0].warmup_s) == (2, 1.0)
    withheld = judged(checks(PAIR, (True, False)) + records).pairs[0]
    assert (withheld.block_times, withheld.member_runs[0].warmup_s) == ((), None)
    assert withheld.member_runs[0].learner == PAIR.baseline


def test_what_was_around_the_blocks_is_told_from_the_least_to_the_most():
    records = [
        step("baseline", 0, (0.2,), load=0.5, steal=0.0),
        step("method", 0, (0.1,), load=3.0),
    ]
    around = judged(records).surroundings
    assert (around.load, around.steal, around.temperature) == ((0.5, 3.0), (0.0, 0.0), None)
