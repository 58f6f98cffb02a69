"""Whoever runs a suite sees what is to be done, what is left, and what went wrong."""

from __future__ import annotations

import io

import pytest

from harness.config import RunConfig
from harness.declare.suite import Pair, Protocol, Suite
from harness.measure import progress as module
from harness.measure.estimate import Estimate
from harness.measure.plan import plan
from harness.measure.progress import (
    SILENCE_S,
    BarProgress,
    PlainProgress,
    announcement,
    duration,
    progress_for,
)

PAIRS = (
    Pair("p", "plain", "fast", "toys", "", ("step",)),
    Pair("aa", "plain", "plain", "toys", "", ("step",)),
)
SUITE = Suite("s", "What it is for", PAIRS, Protocol(seeds=1, rounds=2))
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
    progress = PlainProgress(out)
    progress.planned(SUITE, BLOCKS, Estimate(BLOCKS))
    for n, block in enumerate(BLOCKS):
        progress.started(block)
        clock.now += seconds
        status = statuses[n] if n < len(statuses) else "ok"
        progress.finished(block, block.record(status, **record))
    progress.close()
    return out.getvalue().splitlines()[len(announcement(SUITE, [], Estimate([])).splitlines()) :]


def test_the_announcement_names_pairs_blocks_and_time():
    estimate = Estimate(BLOCKS)
    assert announcement(SUITE, BLOCKS, estimate).splitlines() == [
        "suite s: What it is for",
        "  p: fast against plain on toys",
        "  aa: plain against plain on toys (A/A: the noise)",
        f"8 blocks, about {duration(estimate.seconds)}",
    ]


class TestPlainLines:
    def test_come_no_closer_than_they_must_and_end_with_all_blocks(self, clock):
        lines = watched(clock, SILENCE_S / 2.5)
        assert lines[0].startswith("1 of 8 blocks, about ")
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
        assert lines[1] == "p/step/method/seed0/round0: failed: it fell"

    def test_expect_a_block_that_hung_to_hang_again(self, clock):
        lines = watched(clock, 600.0, ["timeout"] * 8, reason="it was ended", wall_s=None)
        assert "4 of 8 blocks, about 40 min 0 s left" in lines

    def test_pass_on_notes(self):
        out = io.StringIO()
        PlainProgress(out).noted("the last record was torn")
        assert out.getvalue() == "note: the last record was torn\n"

    def test_say_so_where_nothing_is_left_to_do(self):
        out = io.StringIO()
        PlainProgress(out).planned(SUITE, [], Estimate([]))
        assert out.getvalue().endswith("0 blocks, about 0 s\n")


class TestTheBar:
    def test_shows_the_block_the_count_and_the_time_left(self, clock, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setenv("TERM", "xterm")
        bar = BarProgress()
        bar.planned(SUITE, BLOCKS, Estimate(BLOCKS))
        for block in BLOCKS[:2]:
            bar.started(block)
            clock.now += 90.0
            bar.finished(block, block.record("ok"))
        bar.started(BLOCKS[2])
        with bar._bar.console.capture() as shown:
            bar._bar.refresh()
        bar.close()
        text = shown.get()
        assert "2/8" in text
        assert "aa/step/baseline/seed0/round0" in text
        assert "min" in text
        assert "  p: fast against plain on toys" in capsys.readouterr().err

    def test_prints_failures_and_notes_as_they_are(self, capsys):
        bar = BarProgress()
        bar.planned(SUITE, BLOCKS, Estimate(BLOCKS))
        bar.started(BLOCKS[0])
        bar.finished(BLOCKS[0], BLOCKS[0].record("failed", reason="[bold]no[/bold] markup"))
        bar.noted("[red]no[/red] markup")
        bar.close()
        shown = capsys.readouterr().err
        assert "p/step/baseline/seed0/round0: failed: [bold]no[/bold] markup" in shown
        assert "note: [red]no[/red] markup" in shown

    def test_may_be_closed_before_anything_was_planned(self):
        BarProgress().close()


def test_a_terminal_gets_the_bar_and_a_file_gets_lines():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(progress_for(Terminal()), BarProgress)
    assert isinstance(progress_for(io.StringIO()), PlainProgress)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3599.6, "1 h 0 min"),
        (3660, "1 h 1 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds, words):
    assert duration(seconds) == words
