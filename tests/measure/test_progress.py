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
from harness.measure.estimate import Estimate as EstimateWith
from harness.measure.plan import plan as plan_with
from harness.measure.progress import (
    LONGEST_SILENCE_S,
    SILENCE_S,
    BarProgress,
    PlainProgress,
    between,
    progress_for,
)
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
