"""Whoever runs a suite sees what is to be done, what is left, and what went wrong."""

from __future__ import annotations

import dataclasses
import io
import os

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure import progress as module
from harness.measure.budget import Budget
from harness.measure.durations import between
from harness.measure.estimate import Estimate as EstimateWith
from harness.measure.plan import plan as plan_with
from harness.measure.progress import (
    LONGEST_SILENCE_S,
    SILENCE_S,
    BarProgress,
    PlainProgress,
    progress_for,
)
from harness.records.seen import Times
from harness.registry import Registry

REGISTRY = Registry()


def plan(suite, config):
    return plan_with(suite, config, REGISTRY)


def Estimate(blocks):  # with the passes that all of these tests know
    return EstimateWith(blocks, REGISTRY.passes)


PAIRS = (
    Pair("p", "plain", "fast", "toys", "", ("curve",)),
    Pair("aa", "plain", "plain", "toys", "", ("curve",)),
)
SUITE = Suite("s", "What it is for", PAIRS, Protocol(seeds=2))
BLOCKS = plan(SUITE, RunConfig())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock.monotonic)
    return clock


def watched(clock, seconds, statuses=(), **record):
    """Return the lines of a run whose blocks took so long each."""
    out = io.StringIO()
    progress, estimate = PlainProgress(out), Estimate(BLOCKS)
    progress.planned(SUITE, len(BLOCKS), estimate)
    told = len(out.getvalue().splitlines())
    for n, block in enumerate(BLOCKS):
        progress.started(block)
        clock.now += seconds
        status = statuses[n] if n < len(statuses) else "ok"
        came = block.record(status, **record)
        estimate.saw(block, seconds, came)
        progress.finished(block, came)
    progress.close()
    return out.getvalue().splitlines()[told:]


def test_the_announcement_names_pairs_blocks_and_time():
    out = io.StringIO()
    PlainProgress(out).planned(SUITE, len(BLOCKS), Estimate(BLOCKS))
    low, high = Estimate(BLOCKS).seconds
    assert low == high
    assert out.getvalue().splitlines() == [
        "suite s: What it is for",
        "  p: fast against plain on toys",
        "  aa: plain against plain on toys (A/A pair: measures the noise)",
        f"at most 8 blocks, {between(low, high)}",
    ]


class TestPlainLines:
    def test_come_no_closer_than_they_must_and_end_with_all_blocks(self, clock):
        lines = watched(clock, SILENCE_S / 2.5)
        assert lines[0].startswith("1 of 8 blocks, ")
        assert lines[1:] == [
            "4 of 8 blocks, about 24 s left",  # 6 s each, all kinds having been seen
            "7 of 8 blocks, about 6 s left",
            "8 of 8 blocks",
        ]

    def test_of_quick_blocks_are_the_first_and_the_last(self, clock):
        lines = watched(clock, 0.25)
        assert [line.partition(",")[0] for line in lines] == ["1 of 8 blocks", "8 of 8 blocks"]

    def test_tell_a_failure_at_once_with_its_reason(self, clock):
        lines = watched(clock, 0.25, ("ok", "failed"), reason="it fell")
        assert lines[1] == "p/curve/method/seed0/round0: failed: it fell"

    def test_tell_of_what_is_skipped_once_for_each_pair_and_reason(self, clock):
        lines = watched(clock, 0.25, ["skipped"] * 7 + ["failed"], reason="no peer here")
        assert [line for line in lines if "peer" in line] == [
            "p: skipped: no peer here",
            "aa: skipped: no peer here",
            f"{BLOCKS[7].id}: failed: no peer here",
        ]

    def test_say_in_what_range_the_time_left_lies(self, clock):
        out = io.StringIO()
        progress = PlainProgress(out)
        blocks = plan(dataclasses.replace(SUITE, protocol=Protocol(seeds=3)), RunConfig())
        estimate = Estimate(blocks)
        progress.planned(SUITE, len(blocks), estimate)
        for block, seconds in zip(blocks, (60, 60, 120, 60, 120), strict=False):
            progress.started(block)
            clock.now += seconds
            estimate.saw(block, seconds, block.record("ok"))
            progress.finished(block, block.record("ok"))
        assert out.getvalue().splitlines()[-1] == "5 of 12 blocks, 9 to 10 min left"

    def test_expect_a_block_that_hung_to_hang_again(self, clock):
        lines = watched(clock, 600.0, ["timeout"] * 8, reason="it was ended", wall_s=None)
        assert "4 of 8 blocks, about 40 min left" in lines

    def test_say_what_takes_long_where_nothing_else_is_said(self, clock):
        out = io.StringIO()
        progress = PlainProgress(out)
        progress.planned(SUITE, len(BLOCKS), Estimate(BLOCKS))
        told = len(out.getvalue().splitlines())

        def said_after(seconds):
            before = len(out.getvalue().splitlines())
            clock.now += seconds
            progress.tell_of_the_longest()
            return out.getvalue().splitlines()[max(told, before) :]

        assert said_after(LONGEST_SILENCE_S) == []  # nothing goes on
        first, second = BLOCKS[:2]
        progress.started(first)
        assert said_after(LONGEST_SILENCE_S / 2) == [f"{first.id}: 30 s so far"]
        progress.started(second)
        assert said_after(LONGEST_SILENCE_S / 2) == []  # something was said just now
        assert said_after(LONGEST_SILENCE_S / 2) == [f"{first.id}: 2 min so far"]
        progress.finished(first, first.record("ok"))
        assert said_after(LONGEST_SILENCE_S) == [f"{second.id}: 2 min so far"]
        progress.close()

    def test_come_by_themselves_while_a_block_goes_on(self, monkeypatch):
        monkeypatch.setattr(module, "LONGEST_SILENCE_S", 0.06)
        read, write = os.pipe()
        with os.fdopen(read) as lines, os.fdopen(write, "w") as out:
            progress = PlainProgress(out)
            progress.planned(SUITE, len(BLOCKS), Estimate(BLOCKS))
            progress.started(BLOCKS[0])
            assert any(line == f"{BLOCKS[0].id}: 0 s so far\n" for line in lines)
            progress.close()

    def test_pass_on_notes(self):
        out = io.StringIO()
        PlainProgress(out).noted("the last record was torn")
        assert out.getvalue() == "note: the last record was torn\n"

    def test_say_so_where_nothing_is_left_to_do(self):
        out = io.StringIO()
        PlainProgress(out).planned(SUITE, 0, Estimate([]))
        assert out.getvalue().endswith("at most 0 blocks, about 0 s\n")


class TestTheBar:
    def test_shows_the_block_the_count_and_the_time_left(self, clock, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setenv("TERM", "xterm")
        bar, estimate = BarProgress(), Estimate(BLOCKS)
        bar.planned(SUITE, len(BLOCKS), estimate)
        for block in BLOCKS[:2]:
            bar.started(block)
            clock.now += 90.0
            estimate.saw(block, 90.0, block.record("ok"))
            bar.finished(block, block.record("ok"))
        bar.started(BLOCKS[2])
        with bar._bar.console.capture() as shown:
            bar._bar.refresh()
        bar.close()
        text = shown.get()
        assert "2/8" in text
        assert BLOCKS[2].id in text
        assert "min" in text
        assert "  p: fast against plain on toys" in capsys.readouterr().err

    def test_prints_failures_and_notes_as_they_are(self, capsys):
        bar = BarProgress()
        bar.planned(SUITE, len(BLOCKS), Estimate(BLOCKS))
        bar.started(BLOCKS[0])
        bar.finished(BLOCKS[0], BLOCKS[0].record("failed", reason="[bold]no[/bold] markup"))
        bar.noted("[red]no[/red] markup")
        bar.close()
        shown = capsys.readouterr().err
        assert "p/curve/baseline/seed0/round0: failed: [bold]no[/bold] markup" in shown
        assert "note: [red]no[/red] markup" in shown

    def test_may_be_closed_before_anything_was_planned(self):
        BarProgress().close()


def test_a_terminal_gets_the_bar_and_a_file_gets_lines():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(progress_for(Terminal()), BarProgress)
    assert isinstance(progress_for(io.StringIO()), PlainProgress)


PASSES = tuple(REGISTRY.passes)
EVERY = (Pair("p", "a", "b", "w", "", PASSES), Pair("aa", "a", "a", "w", "", ("step", "curve")))
STUDIED = plan(Suite("s", "S", EVERY, Protocol(seeds=2, rounds=3)), RunConfig())


def of(pair: str, measured: str, member: str = "method"):
    return [b for b in STUDIED if (b.pair.name, b.measured, b.member) == (pair, measured, member)]


STEPS = of("p", "step")


def alike(seconds):
    return pytest.approx((seconds, seconds))


class TestTheEstimate:
    def test_of_nothing_is_no_time(self):
        assert Estimate([]).seconds == (0, 0)

    def test_is_a_guess_for_every_block_before_any_was_seen(self):
        assert all(Estimate([block]).seconds[0] > 0 for block in STUDIED)
        total = Estimate(STUDIED).seconds
        each = [Estimate([block]).seconds for block in STUDIED]
        assert total == pytest.approx([sum(ends) for ends in zip(*each, strict=True)])

    def test_of_rounds_is_from_the_first_that_may_decide_to_the_last(self):
        many = plan(Suite("s", "S", EVERY[:1], Protocol(seeds=2, rounds=30)), RunConfig())
        estimate = Estimate([b for b in many if (b.measured, b.member) == ("step", "twin")])
        low, high = estimate.seconds
        assert high / low == pytest.approx(60 / 8)

    def test_of_what_comes_after_the_rounds_leaves_these_out(self):
        after = [block for block in STUDIED if block.measured == "curve"]
        estimate = Estimate([*STEPS, *after])
        low, high = Estimate(after).seconds
        assert estimate.after_rounds == pytest.approx((low * high) ** 0.5)
        assert Estimate(STEPS).after_rounds == 0

    def test_learns_nothing_from_what_was_left_out(self):
        estimate = Estimate(STEPS)
        estimate.saw(STEPS[0], 0.0, STEPS[0].record("skipped", skip="decided", reason="enough"))
        assert estimate.seconds == Estimate(STEPS[1:]).seconds

    def test_leaves_out_what_was_seen(self):
        estimate = Estimate(STEPS)
        for n, block in enumerate(STEPS, start=1):
            estimate.saw(block, 10.0, block.record("ok"))
            assert estimate.seconds == alike(10.0 * (len(STEPS) - n))

    def test_lies_between_the_least_and_the_most_that_its_like_took(self):
        estimate = Estimate(STEPS)
        for block, seconds in zip(STEPS, (8.0, 12.0, 9.0), strict=False):
            estimate.saw(block, seconds, block.record("ok"))
        assert estimate.seconds == pytest.approx((8.0 * 3, 12.0 * 3))

    def test_of_many_is_not_led_by_one_that_took_long(self):
        many = plan(Suite("s", "S", PAIRS[:1], Protocol(seeds=9)), RunConfig())
        alike_ones = [block for block in many if block.member == "baseline"]
        estimate = Estimate(alike_ones)
        for block, seconds in zip(alike_ones, (600.0, 10.0, 9.0, 11.0, 10.0, 12.0), strict=False):
            estimate.saw(block, seconds, block.record("ok"))
        low, high = estimate.seconds
        assert 3 * 9.0 <= low < high < 3 * 13.0

    def test_corrects_the_guess_for_a_pass_by_what_was_seen_of_it_elsewhere(self):
        (other, *_) = of("p", "step", "baseline")
        guess = Estimate([other]).seconds[0]
        estimate = Estimate([*STEPS, other])
        estimate.saw(STEPS[0], 100.0 * guess, STEPS[0].record("failed"))
        estimate.saw(STEPS[1], 50.0 * guess, STEPS[1].record("failed"))
        blocks = len(STEPS) - 2 + 1
        assert estimate.seconds == pytest.approx((50.0 * guess * blocks, 100.0 * guess * blocks))

    def test_takes_a_step_s_seconds_from_the_trajectory_until_it_is_timed(self):
        (training, *_), (start, *_) = (
            of("p", "curve", "baseline"),
            of("p", "trajectory", "baseline"),
        )
        estimate = Estimate([start, training])
        steps, twice = training.protocol.curve_steps, 2 * start.protocol.trajectory_steps
        estimate.saw(start, 0.5 + 3.0 * twice, start.record("ok"))
        assert 3.0 * steps <= estimate.seconds[0] < 3.5 * steps

    def test_of_rounds_ends_with_the_budget(self):
        patient, short = (EstimateWith(STEPS, REGISTRY.passes, (), Budget(s)) for s in (1e6, 1.0))
        assert short.seconds[1] <= 1.0 < patient.seconds[0]

    def test_takes_an_unknown_step_to_be_like_those_of_other_learners(self):
        (training, *_), (timed, *_) = of("p", "curve"), of("aa", "step")
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0))))
        steps = training.protocol.curve_steps
        assert 2.0 * steps <= estimate.seconds[1] < 2.5 * steps

    def test_expects_a_training_to_take_the_steps_that_were_timed_before(self):
        (training, *_), (timed, *_) = of("aa", "curve"), of("aa", "step")
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0, 9.0))))
        low, high = estimate.seconds
        assert low == high
        steps = training.protocol.curve_steps
        assert 2.0 * steps <= low < 2.5 * steps

    def test_expects_a_step_by_half_of_the_threads_to_take_up_to_twice_as_long(self):
        config = RunConfig(threads=2, jobs=2)
        planned = plan(Suite("s", "S", EVERY, Protocol()), config)
        timed, training = (
            next(b for b in planned if b.id == of("aa", measured)[0].id)
            for measured in ("step", "curve")
        )
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0))))
        low, high = estimate.seconds
        # Two of them go on at once.
        assert high == pytest.approx(2 * low, rel=0.05)
        assert 2.0 * training.protocol.curve_steps <= high

    def test_expects_a_block_that_took_no_time_to_take_none_again(self):
        estimate = Estimate(STEPS)
        estimate.saw(STEPS[0], 0.0, STEPS[0].record("ok"))
        assert estimate.seconds == (0, 0)

    def test_takes_no_longer_for_many_blocks_seen_than_for_few(self):
        """Cost lies in the kinds of blocks, which rounds and seeds do not add to."""
        long = plan(Suite("s", "S", EVERY, Protocol(seeds=5, rounds=100)), RunConfig())
        assert len(long) > 10 * len(STUDIED)
        assert len(Estimate(long)._left) == len(Estimate(STUDIED)._left)

    @pytest.mark.parametrize(
        ("measured", "longer"),
        [
            ("check", {"check_examples": 1000}),
            ("trajectory", {"trajectory_steps": 1000}),
            ("curve", {"curve_steps": 10_000}),
            ("curve", {"curve_tasks": 100_000}),
            ("step", {"intervals": 1000}),
            ("adaptation", {"interval_s": 60.0}),
        ],
    )
    def test_is_longer_for_a_longer_protocol(self, measured, longer):
        usual, long = (
            next(
                block
                for block in plan(Suite("s", "S", EVERY, Protocol(**changes)), RunConfig())
                if block.measured == measured
            )
            for changes in ({}, longer)
        )
        assert Estimate([long]).seconds[0] > 2 * Estimate([usual]).seconds[0]

    @pytest.mark.parametrize(
        ("measured", "longer"),
        [("variants", {"train_steps": 10_000}), ("variant_times", {"calls": 1000})],
    )
    def test_is_longer_for_longer_settings_of_a_study(self, measured, longer):
        usual, long = (
            next(
                block
                for block in plan(Suite("s", "S", EVERY, study={"variants": given}), RunConfig())
                if block.measured == measured
            )
            for given in ({}, longer)
        )
        assert Estimate([long]).seconds[0] > 2 * Estimate([usual]).seconds[0]
