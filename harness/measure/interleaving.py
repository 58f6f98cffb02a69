"""Tandem: rounds in which fresh workers of several trees take short turns at the same work."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import TextIO

from harness.declare.passes import Seen
from harness.gate.temporary import temporary_folder
from harness.measure.block import Block
from harness.measure.engines.engine import Answer, Engine
from harness.measure.engines.outcome import record_from_answer
from harness.measure.run import measured_by
from harness.records.record import Record
from harness.records.seen import Times
from harness.registry import Registry

BASE, HEAD, AGAIN = LANES = ("base", "head", "again")
"""The lanes: both trees, and base once more in processes of its own, which shows the noise."""

PATIENCE_S = 0.2  # between two looks at whether a worker that has not called in is still there


@dataclass(frozen=True)
class Lane:
    """Whose worker takes the turns, and at what."""

    name: str
    engine: Engine
    block: Block
    imports: tuple[str, ...]
    registry: Registry


@dataclass(frozen=True)
class Round:
    """Seconds of a step in every turn, by lane; or what became of the lanes that failed."""

    seconds: Mapping[str, Sequence[float]]
    failures: Mapping[str, Record[Seen]]


def order_of_turn(random: Random) -> list[str]:
    """Return the lanes in a random order, so that no lane is ever likelier to be hit than another.

    That is what makes the sign of a difference between two of them a fair coin.
    """
    return random.sample(LANES, len(LANES))


def measure_round(lanes: Sequence[Lane], turns: int, turn_s: float, random: Random) -> Round:
    """Start a fresh worker in every lane and let them take so many turns each."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder(for_sockets=True))
        threads = stack.enter_context(ThreadPoolExecutor(len(lanes)))
        started = {
            lane.name: _start(lane, folder / lane.name, threads, stack)
            for lane in random.sample(lanes, len(lanes))
        }
        seconds: dict[str, list[float]] = {lane.name: [] for lane in lanes}
        with ExitStack() as channels, suppress(EOFError, ConnectionError):
            open_ = {
                name: channels.enter_context(_accepted(listener, answer))
                for name, (listener, answer) in started.items()
            }
            warm = {name: _heard(channel) for name, channel in open_.items()}
            # All lanes take as many steps, so that they do the same work.
            steps = max(1, math.ceil(turn_s / warm.get(BASE, median(warm.values()))))
            for _ in range(turns):
                for name in order_of_turn(random):
                    open_[name].write(f"{steps}\n")
                    open_[name].flush()
                    seconds[name].append(_heard(open_[name]) / steps)
        records = {
            lane.name: record_from_answer(
                started[lane.name][1].result(), lane.block, lane.registry.passes
            )
            for lane in lanes
        }
    failures = {name: record for name, record in records.items() if record.status != "ok"}
    return Round({} if failures else seconds, failures)


def measure_apart(lanes: Sequence[Lane], random: Random) -> Round:
    """Measure whole blocks one after another: a team of ranks can't be kept waiting for turns."""
    records = {
        lane.name: measured_by(lane.engine, lane.block, lane.imports, lane.registry)
        for lane in random.sample(lanes, len(lanes))
    }
    failures = {name: record for name, record in records.items() if record.status != "ok"}
    seconds = {
        name: record.seen.seconds
        for name, record in records.items()
        if isinstance(record.seen, Times)
    }
    return Round({} if failures else seconds, failures)


def _start(
    lane: Lane, path: Path, threads: ThreadPoolExecutor, stack: ExitStack
) -> tuple[socket.socket, Future[Answer]]:
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(str(path))
    listener.listen(1)
    listener.settimeout(PATIENCE_S)
    text = json.dumps({"socket": str(path), "block": json.loads(lane.block.to_json())})
    call = "harness.measure.turns:take_turns"
    limit_s = lane.block.protocol.limit_s
    return listener, threads.submit(lane.engine.call, call, text, limit_s, lane.imports)


def _accepted(listener: socket.socket, answer: Future[Answer]) -> TextIO:
    while True:
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            connection.settimeout(None)
            with connection:  # the file keeps it open
                return connection.makefile("rw")
        if answer.done():
            raise EOFError


def _heard(channel: TextIO) -> float:
    line = channel.readline()
    if not line:
        raise EOFError
    return float(line)
