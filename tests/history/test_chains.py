"""Only what one job measured side by side is compared, and what was not measured stays unknown."""

from __future__ import annotations

import dataclasses
import math
import random
import re

import pytest

from harness.history.chains import Series, series_of
from harness.history.entries import Entry
from tests.history.made import MACHINE, commit, counted, timed


def only(*entries: Entry) -> Series:
    (series,) = series_of(entries)
    return series


def paths(series: Series) -> list[list[int]]:
    """Return the numbers of every chain's commits, its first base at their head."""
    return [
        [int(each[:8], 16) for each in (chain.links[0].base, *(x.commit for x in chain.links))]
        for chain in series.chains
    ]


def places(series: Series) -> list[tuple[int, int]]:
    return [
        (int(chain.links[c.first].commit[:8], 16), int(chain.links[c.last].commit[:8], 16))
        for chain, c in series.found
    ]


def on(machine: dict, **changes: object) -> dict:
    return machine | changes


def test_each_base_is_the_commit_before():
    assert paths(only(*map(timed, range(1, 6)))) == [[0, 1, 2, 3, 4, 5]]


def test_lines_may_stand_in_any_order():
    entries = [timed(number, 1 + number / 50) for number in range(1, 30)]
    ordered = only(*entries)
    random.Random(1).shuffle(entries)
    assert only(*entries) == ordered


def test_a_gap_is_not_papered_over():
    series = only(timed(1), timed(2, 1.3), timed(4), timed(5, 1.3))
    assert paths(series) == [[0, 1, 2], [3, 4, 5]]
    assert [chain.levels[0] for chain in series.chains] == [1, 1]


def test_what_changed_in_a_gap_is_nobodys():
    assert places(only(counted(1, 100, 100), counted(3, 150, 150))) == []


def test_commits_with_the_same_base_begin_chains_of_their_own():
    rivals = [dataclasses.replace(timed(n), base=commit(1)) for n in (2, 3)]
    assert paths(only(timed(1), *rivals, dataclasses.replace(timed(4), base=commit(3)))) == [
        [0, 1, 2],
        [1, 3, 4],
    ]


def test_a_ring_of_commits_ends_somewhere():
    ring = [timed(1), timed(2), dataclasses.replace(timed(3), commit=commit(0), base=commit(2))]
    for _ in ring:
        (path,) = paths(only(*ring))
        assert len(path) == 4
        ring = [*ring[1:], ring[0]]


def test_other_machines_are_other_series():
    other = timed(2, machine=on(MACHINE, cpu="another"))
    assert [paths(series) for series in series_of([timed(1), other])] == [[[0, 1]], [[1, 2]]]
    threads = timed(2, machine=on(MACHINE, threads=4))
    assert len(series_of([timed(1), threads])) == 2


@pytest.mark.parametrize("name", ["torch", "python", "blas", "cuda"])
def test_other_software_ends_a_chain(name: str):
    assert paths(only(timed(1), timed(2, machine=on(MACHINE, **{name: "9"})))) == [[0, 1], [1, 2]]


def test_another_kernel_ends_none():
    assert paths(only(timed(1), timed(2, machine=on(MACHINE, os="Linux 7")))) == [[0, 1, 2]]


def test_levels_multiply_and_their_bounds_widen():
    (chain,) = only(timed(1, 1.1), timed(2, 1.0), timed(3, 1.1)).chains
    assert chain.levels == pytest.approx((1, 1.1, 1.1, 1.21))
    widths = [high / low for low, high in chain.bounds(3)]
    assert widths[0] == 1
    assert widths == sorted(set(widths))


def test_bounds_that_exclude_1_and_changes_agree():
    (alone,) = (series := only(timed(1, 1.1))).chains
    assert alone.bounds(1)[1] == pytest.approx((series.found[0][1].low, series.found[0][1].high))
    creep = only(*(timed(n, 1.02) for n in range(1, 25)))
    low, high = creep.chains[0].bounds(24)[-1]
    assert (low > 1 or high < 1) <= bool(creep.found)


def test_errors_are_never_below_the_scatter_of_their_series():
    wild = only(*(timed(n, 1.1 if n % 2 else 0.9) for n in range(1, 13)))
    assert min(link.error for link in wild.chains[0].links) > 0.1
    assert wild.found == ()


def test_a_step_of_a_tenth_is_found_where_it_is():
    ratios = {6: 1.1}
    assert places(only(*(timed(n, ratios.get(n, 1.0)) for n in range(1, 13)))) == [(6, 6)]


def test_what_is_below_the_noise_floor_is_no_change():
    loud = [timed(n, 1.1 if n == 6 else 1.0, noise_floor=0.08) for n in range(1, 13)]
    assert places(only(*loud)) == []


def test_a_bound_that_is_seldom_wrong_lies_further_from_the_ratio():
    wide = {"half": 0.1, "high_error": 0.01}
    (plain,), (sure,) = (only(timed(1, low_error=e, **wide)).chains for e in (0.025, 0.0005))
    assert plain.links[0].error == pytest.approx(-math.log(0.9) / 1.96, rel=1e-3)
    assert sure.links[0].error == pytest.approx(math.log(1.1) / 2.326, rel=1e-3)


class TestAnotherMeasurementOfTheSame:
    def test_counts_with_the_first(self):
        (link,) = only(timed(1, 1.01), timed(1, 1.0)).chains[0].links
        (alone,) = only(timed(1)).chains[0].links
        assert link.ratio == pytest.approx(math.sqrt(1.01))
        assert link.error == pytest.approx(alone.error / math.sqrt(2))

    def test_that_disagrees_makes_the_error_larger(self):
        (link,) = only(timed(1, 1.2), timed(1, 1.0)).chains[0].links
        assert link.error == pytest.approx(math.log(1.2) / 2)

    def test_counts_the_more_the_more_precise_it_is(self):
        (chain,) = only(timed(1, 1.2, half=0.2), timed(1, 1.0)).chains
        assert chain.links[0].ratio < 1.02

    def test_can_clear_a_bad_job(self):
        quiet = [timed(n) for n in range(1, 13)]
        quiet[5] = timed(6, 1.1)
        again = [timed(6, 1.0) for _ in range(3)]
        assert places(only(*quiet)) == [(6, 6)]
        assert places(only(*quiet, *again)) == []

    def test_keeps_what_all_of_the_gates_said(self):
        (chain,) = only(timed(1, word="regressed"), timed(1), timed(1)).chains
        assert chain.links[0].words == ("regressed", "same")


class TestCounts:
    def test_change_wherever_they_differ(self):
        series = only(counted(1, 100, 100), counted(2, 100, 101), counted(3, 101, 101))
        assert places(series) == [(2, 2)]
        ((_, change),) = series.found
        assert change.ratio == change.low == change.high == 1.01

    def test_that_creep_are_changes_each(self):
        assert len(only(*(counted(n, 100 + n, 101 + n) for n in range(1, 6))).found) == 5

    def test_of_one_commit_that_differ_end_the_chain_and_are_said(self):
        series = only(counted(1, 100, 100), counted(2, 120, 120))
        assert paths(series) == [[0, 1], [1, 2]]
        assert series.found == ()
        (note,) = series.notes
        assert note.startswith(f"{commit(1)[:8]} was counted as 100 and as 120")

    def test_that_were_counted_again_are_the_last(self):
        series = only(counted(1, 100, 110), counted(1, 100, 100))
        assert series.found == ()
        assert len(series.notes) == 1

    def test_of_nothing_have_no_ratio(self):
        series = only(counted(1, 0, 5), counted(2, 5, 5))
        assert paths(series) == [[1, 2]]
        assert len(series.unusable) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ratio": None, "low": None, "high": None, "reason": "it failed"}, "it failed"),
        ({"head_value": None}, "not measured on both sides"),
        ({"rounds": 5}, "5 of the 6 rounds"),
        ({"rounds": None}, "0 of the 6 rounds"),
        ({"noise_floor": None}, "noise floor is unknown"),
        ({"low": 1.0, "high": 1.0, "noise_floor": 0.0}, "width"),
        ({"low": 1e-300, "high": 1e300}, "width"),
        ({"ratio": 1e200, "high": 1e201}, "cannot be one of times"),
    ],
    ids=str,
)
def test_what_measured_nothing_breaks_the_chain_and_says_why(changes: dict, reason: str):
    series = only(timed(1), dataclasses.replace(timed(2), **changes), timed(3))
    assert paths(series) == [[0, 1], [2, 3]]
    ((_, said),) = series.unusable
    assert re.search(reason, said)


def test_absurd_files_are_judged_too():
    wild = only(*(timed(n, 9e3) for n in range(1, 300)))
    assert all(math.isfinite(level) and level > 0 for level in wild.chains[0].levels)


def test_an_empty_history_has_no_series():
    assert series_of([]) == ()
