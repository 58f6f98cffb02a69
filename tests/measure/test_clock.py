"""The clock warms up until steady, calibrates, and synchronises at the ends alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest

from harness.declare.passes import Look
from harness.declare.protocol import Protocol
from harness.measure import clock
from harness.measure.clock import Clock, Spent
from harness.measure.passes import TimedSteps, alone
from harness.records.seen import Times
from harness.team.communicator import Alone, Communicator


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


class Timing:
    """What a look at the turns of these steps saw, and what it cost."""

    def __init__(
        self,
        repeat: Callable[[int], None],
        synchronize: Callable[[], None],
        protocol: Protocol,
        team: Communicator | None = None,
    ) -> None:
        timer = Clock(synchronize, team, all_count=True)
        look: Look = alone(TimedSteps(repeat, timer, protocol))
        assert isinstance(look.seen, Times)
        self.seen, self.costs = look.seen, look.costs
        self.seconds, self.steps = look.seen.seconds, look.seen.steps_per_interval


PROTOCOL = Protocol(warmup_s=3.0, interval_s=0.1, intervals=5)


@dataclasses.dataclass
class OneOfTwo(Alone):
    """A rank whose only other one takes twice as long, and never waits."""

    size: int = 2
    calls: list[str] = dataclasses.field(default_factory=list)

    def gather(self, text: str) -> list[str]:
        (wall, *others), _, suspended = json.loads(text)
        return [text, json.dumps([[2 * wall, *others], 0.0, suspended])]

    def barrier(self) -> None:
        self.calls.append("barrier")


def test_a_team_goes_by_its_slowest_rank(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    team = OneOfTwo(calls=time.calls)
    timing = Timing(time.repeat, time.synchronize, PROTOCOL, team)
    assert timing.seconds == pytest.approx([0.008] * 5)
    assert timing.steps == pytest.approx(0.1 * clock.MARGIN / 0.008, abs=1)


def test_what_a_rank_waits_longer_than_another_is_no_cost_of_sums():
    window = clock.Window(steps=2, span=1.0, waits=(0.02, 0.1), wall=1.0)
    assert window.communication == pytest.approx(0.01)
    assert window.imbalance == pytest.approx(0.02)


def test_ranks_start_together_and_do_not_meet_inside_an_interval(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    Timing(time.repeat, time.synchronize, PROTOCOL, OneOfTwo(calls=time.calls))
    kinds = [call.partition(" ")[0] for call in time.calls]
    whole = ["synchronize", "barrier", "repeat", "synchronize"]
    # What warms the caches again after the others' turns is no part of one.
    turns = (len(kinds) - 5 * 5) // 4
    assert kinds == whole * turns + ["repeat", *whole] * 5


def test_what_all_wait_for_is_told_from_what_one_waits_for(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    team = OneOfTwo()

    def repeat(steps: int) -> None:
        time.repeat(steps)
        team.traffic.waited(0.002 * steps)

    timing = Timing(repeat, time.synchronize, PROTOCOL, team)
    assert timing.seen.allreduce_seconds == pytest.approx([0.0] * 5)
    assert timing.seen.imbalance_seconds == pytest.approx([0.001] * 5)


def test_seconds_are_those_of_one_step(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.004)
    timing = Timing(time.repeat, time.synchronize, PROTOCOL)
    assert timing.seconds == pytest.approx([0.004] * 5)
    assert timing.costs.measured_s == pytest.approx(0.004 * timing.steps * 5)


def test_an_interval_lasts_at_least_as_long_as_asked(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.0007)
    timing = Timing(time.repeat, time.synchronize, PROTOCOL)
    assert timing.steps * 0.0007 >= 0.1
    assert (timing.steps - 1) * 0.0007 < 0.1 * clock.MARGIN


def test_a_slow_first_call_that_spends_the_warm_up_is_not_what_intervals_are_planned_by(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [9.0], 0.001)
    timing = Timing(time.repeat, time.synchronize, PROTOCOL)
    assert timing.steps * 0.001 >= 0.1
    assert timing.costs.warmup_s > 9.0


def test_a_long_step_is_an_interval_of_its_own(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [], 0.4)
    assert Timing(time.repeat, time.synchronize, PROTOCOL).steps == 1


def test_slow_first_steps_are_not_in_any_interval(monkeypatch: pytest.MonkeyPatch):
    time = FakeTime(monkeypatch, [0.9, 0.5, 0.2], 0.05)
    timing = Timing(time.repeat, time.synchronize, PROTOCOL)
    assert timing.costs.warmup_steady
    assert max(timing.seconds) == pytest.approx(0.05)
    assert timing.costs.warmup_seconds[0] == pytest.approx(0.9)


def test_a_warm_up_that_never_settles_is_capped_and_said_to_be_unsteady(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [0.1 * 0.8**i for i in range(40)], 1e-5)
    protocol = dataclasses.replace(PROTOCOL, warmup_s=0.4, interval_s=1e-4)
    timing = Timing(time.repeat, time.synchronize, protocol)
    assert not timing.costs.warmup_steady
    assert timing.costs.warmup_s >= 0.4


def test_the_device_is_waited_for_at_both_ends_of_an_interval_and_not_inside(
    monkeypatch: pytest.MonkeyPatch,
):
    time = FakeTime(monkeypatch, [], 0.01)
    Timing(time.repeat, time.synchronize, PROTOCOL)
    kinds = [call.partition(" ")[0] for call in time.calls]
    turn = ["synchronize", "repeat", "synchronize"]
    warming = (len(kinds) - 5 * 4) // 3
    assert kinds == turn * warming + ["repeat", *turn] * 5


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

    timing = Timing(repeat, synchronize, Protocol(interval_s=0.02, intervals=3))
    assert readings == 2 * (3 + len(timing.costs.warmup_seconds))


@pytest.mark.parametrize(
    ("spent", "threads", "left"),
    [
        pytest.param(Spent(1000, 1000), 1, 1000, id="alone"),
        pytest.param(Spent(1000, 600, 400), 1, 600, id="a neighbour"),
        pytest.param(Spent(1000, 600, 400, 400), 1, 1000, id="own threads that nobody asked for"),
        pytest.param(Spent(1000, 600, 400, 300), 1, 900, id="own threads and a neighbour"),
        pytest.param(Spent(1000, 900, 100, 900), 1, 1000, id="own threads on other cores"),
        pytest.param(Spent(1000, 600, 400, 9), 1, 600, id="the clocks' own error"),
        pytest.param(Spent(1000, 600), 1, 1000, id="it waits for something else"),
        pytest.param(Spent(1000, 600, 400, 600), 2, 600, id="a neighbour, beside its helper"),
        pytest.param(Spent(1000, 600, 0, 600, 400), 2, 600, id="its helper's neighbour"),
        pytest.param(Spent(1000, 600, 400, 600, 400), 2, 600, id="both at the same time"),
        pytest.param(Spent(1000, 900, 200), 1, 900, id="never less than it ran"),
    ],
)
def test_only_what_strangers_took_is_left_out(spent: Spent, threads: int, left: int):
    assert spent.counted(threads) == left


def test_a_rank_that_waits_for_one_that_strangers_kept_does_not_count_that():
    waiting, kept = Spent(1000, 600), Spent(1000, 600, 400)
    assert waiting.counted(1, team_aside=kept.aside) == kept.counted(1) == 600
