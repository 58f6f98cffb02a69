"""The clock warms up until steady, calibrates, and synchronises at the ends alone."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.declare.suite import Protocol
from harness.measure import clock
from harness.measure.clock import time_steps
from harness.team.communicator import Alone


class FakeTime:
    """A clock that moves only when a step is taken or the device is waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step_s: list[float], last_s: float) -> None:
        self.now, self.first, self.last_s = 0.0, step_s, last_s
        self.calls: list[str] = []
        monkeypatch.setattr(clock, "perf_counter_ns", lambda: round(self.now * 1e9))

    def repeat(self, steps: int) -> None:
        self.calls.append(f"repeat {steps}")
        for _ in range(steps):
            self.now += self.first.pop(0) if self.first else self.last_s

    def synchronize(self) -> None:
        self.calls.append("synchronize")


PROTOCOL = Protocol(warmup_s=3.0, interval_s=0.1, intervals=5)


@dataclasses.dataclass
class OneOfTwo(Alone):
    """A rank whose only other one takes twice as long, and never waits."""

    calls: list[str] = dataclasses.field(default_factory=list)

    def gather(self, text: str) -> list[str]:
        span, _ = json.loads(text)
        return [text, json.dumps([2 * span, 0.0])]

    def barrier(self) -> None:
        self.calls.append("barrier")


def test_a_team_goes_by_its_slowest_rank(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    team = OneOfTwo(calls=time.calls)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL, team)
    assert timing.seconds == pytest.approx([0.008] * 5)
    assert timing.steps_per_interval == pytest.approx(0.1 * clock.MARGIN / 0.008, abs=1)


def test_ranks_start_together_and_do_not_meet_inside_an_interval(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    time_steps(time.repeat, time.synchronize, PROTOCOL, OneOfTwo(calls=time.calls))
    kinds = [call.partition(" ")[0] for call in time.calls]
    assert kinds == ["synchronize", "barrier", "repeat", "synchronize"] * (len(kinds) // 4)


def test_what_all_wait_for_is_told_from_what_one_waits_for(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    team = OneOfTwo()

    def repeat(steps: int) -> None:
        time.repeat(steps)
        team.traffic.waited(0.002 * steps)

    timing = time_steps(repeat, time.synchronize, PROTOCOL, team)
    assert timing.allreduce_seconds == pytest.approx([0.0] * 5)
    assert timing.imbalance_seconds == pytest.approx([0.001] * 5)


def test_seconds_are_those_of_one_step(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert timing.seconds == pytest.approx([0.004] * 5)
    assert timing.costs.measured_s == pytest.approx(0.004 * timing.steps_per_interval * 5)


def test_an_interval_lasts_at_least_as_long_as_asked(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.0007)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert timing.steps_per_interval * 0.0007 >= 0.1
    assert (timing.steps_per_interval - 1) * 0.0007 < 0.1 * clock.MARGIN


@pytest.mark.parametrize("factor", [2, 5, 100])
def test_steps_that_grow_faster_after_the_warm_up_do_not_make_intervals_short(
    monkeypatch: pytest.MonkeyPatch, factor: int
):
    time = FakeTime(monkeypatch, [0.02] * 14, 0.02 / factor)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert len(timing.seconds) == 5
    assert timing.costs.measured_s == pytest.approx(5 * timing.steps_per_interval * 0.02 / factor)
    assert timing.costs.measured_s / 5 >= 0.1


def test_a_slow_first_call_that_spends_the_warm_up_is_not_what_intervals_are_planned_by(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [9.0], 0.001)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert timing.steps_per_interval * 0.001 >= 0.1
    assert timing.costs.warmup_s > 9.0


def test_a_long_step_is_an_interval_of_its_own(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.4)
    assert time_steps(time.repeat, time.synchronize, PROTOCOL).steps_per_interval == 1


def test_slow_first_steps_are_not_in_any_interval(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [0.9, 0.5, 0.2], 0.05)
    timing = time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert timing.costs.warmup_steady
    assert max(timing.seconds) == pytest.approx(0.05)
    assert timing.costs.warmup_seconds[0] == pytest.approx(0.9)


def test_a_warm_up_that_never_settles_is_capped_and_said_to_be_unsteady(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [0.1 * 0.8**i for i in range(40)], 1e-5)
    protocol = dataclasses.replace(PROTOCOL, warmup_s=0.4, interval_s=1e-4)
    timing = time_steps(time.repeat, time.synchronize, protocol)
    assert not timing.costs.warmup_steady
    assert timing.costs.warmup_s >= 0.4


def test_the_device_is_waited_for_at_both_ends_of_an_interval_and_not_inside(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [], 0.01)
    time_steps(time.repeat, time.synchronize, PROTOCOL)
    assert all(
        time.calls[i : i + 3 : 2] == ["synchronize"] * 2 and time.calls[i + 1].startswith("repeat")
        for i in range(0, len(time.calls), 3)
    )


def test_the_clocks_own_cost_is_below_one_percent_of_a_short_interval():
    """Counted, not timed: the clock is read twice and the device waited for twice an interval."""
    readings = 0

    def repeat(steps: int) -> None:
        total = 0
        for i in range(steps * 20_000):
            total += i

    def synchronize() -> None:
        nonlocal readings
        readings += 1

    timing = time_steps(repeat, synchronize, Protocol(interval_s=0.02, intervals=3))
    assert readings == 2 * (3 + len(timing.costs.warmup_seconds))
