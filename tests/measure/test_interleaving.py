"""Rounds in turns: fresh workers take them, and one that fails leaves them to the others."""

from __future__ import annotations

import dataclasses
import itertools
import os
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.declare.passes import Seen
from harness.measure.block import Block
from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import Lane, measure_apart, measure_in_turns
from harness.records.record import Record
from harness.records.seen import Times
from harness.registry import Registry
from tests.measure.conftest import MISBEHAVING, QUICK, make_block

REGISTRY = Registry()
TURNS = dataclasses.replace(QUICK, interval_s=0.002, intervals=3)
SHARING = str(Path(MISBEHAVING).with_name("sharing.py"))


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine() as engine:
        yield engine


def block(method: str = "reference_maml", measured: Any = "step", **about: Any) -> Block:
    return make_block(method, measured, about.pop("protocol", TURNS), **about)


def lanes(engine: LocalEngine, *blocks: Block) -> list[Lane]:
    return [Lane(engine, each, (), REGISTRY) for each in blocks]


def turns(records: Sequence[Record[Seen]]) -> list[int]:
    return [len(each.seen.seconds) if isinstance(each.seen, Times) else 0 for each in records]


@pytest.mark.parametrize("measured", ["step", "adaptation"])
def test_every_lane_takes_as_many_turns_and_its_record_says_beside_whom(
    engine: LocalEngine, measured: str
):
    three = lanes(engine, *[block(measured=measured)] * 3)
    records = measure_in_turns(three, Random(0))
    assert [each.status for each in records] == ["ok"] * 3
    assert turns(records) == [3] * 3
    assert len({each.together for each in records}) == 1
    assert all(each.in_turns and each.together for each in records)
    for each in records:
        assert isinstance(each.seen, Times)
        assert each.seen.wall_seconds is not None
        counted = zip(each.seen.seconds, each.seen.wall_seconds, strict=True)
        assert all(0 < seconds <= wall for seconds, wall in counted)
    # Who does the same work takes as many steps.
    assert len({each.seen.steps_per_interval for each in records if each.seen}) == 1  # type: ignore[attr-defined]
    again = measure_in_turns(three, Random(0))
    assert again[0].together != records[0].together


def test_no_two_lanes_work_at_once_not_even_while_they_warm_up(engine: LocalEngine, tmp_path: Path):
    diarist = block("keeps_a_diary", method_settings={"diary": str(tmp_path)})
    records = measure_in_turns(lanes(engine, *[diarist] * 3), Random(0))
    assert [each.status for each in records] == ["ok"] * 3
    diaries = [path.read_text().splitlines() for path in tmp_path.iterdir()]
    assert len(diaries) == 3
    steps = sorted(tuple(map(float, line.split())) for diary in diaries for line in diary)
    assert len(steps) >= 3 * (2 + 2 * 3)  # of warm-up; in every turn one that is not counted
    for (_, ended), (began, _) in itertools.pairwise(steps):
        assert ended <= began


def test_a_worker_of_an_older_version_that_does_not_wait_to_be_called_takes_its_turns():
    """It says its pace at once, and all that it is told then are numbers of steps."""
    from harness.measure import interleaving

    ours, theirs = socket.socketpair()
    heard: list[str] = []

    def work() -> None:
        with theirs, theirs.makefile("rw") as channel:
            channel.write("1 2\n")
            channel.flush()
            while told := channel.readline():
                heard.append(told)
                channel.write("\n")
                channel.flush()

    worker = threading.Thread(target=work)
    worker.start()
    seat = interleaving._Seat(lanes(LocalEngine(), block())[0], Path("unused"))
    with seat.listener, ours, ours.makefile("rw") as channel:
        seat.channels.append(channel)
        interleaving._take([seat], Random(0))
        ours.shutdown(socket.SHUT_WR)
        worker.join(60)
    assert heard == ["1\n", "1\n"]


@pytest.mark.parametrize("method", ["raises", "dies", "not_finite", "leaves"])
def test_only_the_lane_that_failed_is_blamed_and_the_others_go_on(engine: LocalEngine, method: str):
    records = measure_in_turns(lanes(engine, block(), block(method), block()), Random(0))
    assert [each.status == "ok" for each in records] == [True, False, True]
    assert records[1].reason
    assert turns(records)[::2] == [3, 3]


def test_a_lane_that_hangs_is_ended_at_its_own_limit(engine: LocalEngine):
    """The seconds that others take for their turns are not among those that it may take."""
    short = dataclasses.replace(TURNS, limit_s=2)
    three = lanes(engine, block(), block("hangs", protocol=short), block(protocol=short))
    records = measure_in_turns(three, Random(0))
    assert [each.status for each in records] == ["ok", "timeout", "ok"]
    assert "limit of 2 s" in (records[1].reason or "")


def test_who_waits_burns_no_core(engine: LocalEngine):
    slow = dataclasses.replace(TURNS, interval_s=0.2, intervals=4)
    records = measure_in_turns(lanes(engine, *[block(protocol=slow)] * 2), Random(0))
    for each in records:
        assert each.waited_s is not None
        assert each.waited_s > 0.4
        assert each.wall_s is not None


def test_a_team_takes_turns_as_one(engine: LocalEngine):
    team = dataclasses.replace(block("shared", ranks=2), plugins=(SHARING,))
    records = measure_in_turns(lanes(engine, block(), team, block()), Random(0))
    assert [each.status for each in records] == ["ok"] * 3, [each.reason for each in records]
    assert turns(records) == [3] * 3
    assert isinstance(records[1].seen, Times)
    assert records[1].seen.allreduce_seconds is not None


def test_a_team_that_loses_a_rank_leaves_the_turns_to_the_others(engine: LocalEngine):
    team = dataclasses.replace(block("one_is_killed", ranks=2), plugins=(SHARING,))
    records = measure_in_turns(lanes(engine, block(), team), Random(0))
    assert [each.status for each in records] == ["ok", "died"]
    assert turns(records)[0] == 3


def test_a_rank_that_hangs_before_its_team_is_ready_does_not_hold_up_the_others(
    engine: LocalEngine,
):
    hasty = dataclasses.replace(TURNS, stall_s=3)
    team = block("one_never_begins", protocol=hasty, ranks=2)
    start = time.monotonic()
    records = measure_in_turns(
        lanes(engine, block(), dataclasses.replace(team, plugins=(SHARING,))), Random(0)
    )
    assert [each.status for each in records] == ["ok", "timeout"]
    assert turns(records)[0] == 3
    assert time.monotonic() - start < TURNS.limit_s


def test_blocks_that_follow_each_other_say_so(engine: LocalEngine):
    records = measure_apart(lanes(engine, *[block()] * 2), Random(0))
    assert [(each.status, each.in_turns) for each in records] == [("ok", False)] * 2
    assert len({each.together for each in records}) == 1


@pytest.mark.parametrize("length", [0, 150])
def test_a_temporary_folder_with_a_long_path_is_no_obstacle(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
):
    long = tmp_path / ("x" * length) if length else tmp_path
    long.mkdir(exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    (record,) = measure_in_turns(lanes(engine, block()), Random(0))
    assert record.status == "ok"
    assert not list(long.iterdir())


def test_every_order_of_turns_is_as_likely():
    """Lanes are told to go by a seat that only keeps its name."""
    from harness.measure import interleaving

    told: list[str] = []

    class Seat:
        def __init__(self, name: str) -> None:
            self.name = self.work = name

        def heard(self) -> list[str]:
            return []

        def warm_up(self, said: list[str]) -> Any:
            return interleaving.Pace(1, 6000)

        def turn(self, steps: int) -> bool:
            told.append(self.name)
            return True

    interleaving._take([Seat(name) for name in "abc"], Random(0))  # type: ignore[misc]
    orders = Counter(tuple(told[place : place + 3]) for place in range(0, len(told), 3))
    assert len(orders) == 6
    assert all(850 < count < 1150 for count in orders.values())


def test_an_engine_answers_several_threads_at_once(engine: LocalEngine):
    began = threading.Barrier(2, timeout=60)
    answers: list[str] = []

    def ask() -> None:
        began.wait()
        answers.append(engine.call("tests.measure.in_worker:pid", "", 60, ()).text)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(answers)) == 2
    assert str(os.getpid()) not in answers


def test_a_killed_worker_is_told_at_once(engine: LocalEngine):
    start = time.monotonic()
    (record,) = measure_in_turns(lanes(engine, block("dies")), Random(0))
    assert record.status == "died"
    assert time.monotonic() - start < 60
