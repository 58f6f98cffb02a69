"""Turns: a worker that measures one short stretch of steps whenever it is told to.

Workers of several trees are kept waiting beside each other, and whoever started them tells one at a
time to go. Two stretches that are compared lie tens of milliseconds apart instead of a block's
half second, so that nearly all of a neighbour's noise hits both. Every round still has fresh
processes.

Seconds are those of the clock, less those for which the worker was ready to run while others had
its core, which Linux counts for every thread. What a neighbour takes is no commit's fault. What a
step waits for by itself (a lock, a transfer, another process) stays in, as it would not in
processor time; and so does what it waits for its own other threads. On two cores with eight other
busy processes, the ratio of equal learners varied by 15 % from round to round of 16 turns by the
clock alone, and by 3 % so.

A stretch is timed as a whole: by its fastest step, a slow-down of one step in four would not show.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import statistics
import time
from contextlib import suppress
from typing import Any, TextIO

from harness.declare.learner import Learner
from harness.declare.passes import Look
from harness.declare.tree import all_finite
from harness.measure import device
from harness.measure.block import Block, block_from
from harness.measure.passes import REPEATED, NotFinite
from harness.measure.worker import measured, settle
from harness.records.seen import Times

LEAST_STEPS = 3  # of a warm-up: the first is always slow, and the second often


LEAST_SHARE = 0.01
"""Of a stretch that other threads of the worker must use to be seen: the two clocks of processor
time are not read at the same moment, so a worker with one thread seems to have a little."""


class PushedAside:
    """How long this thread has been ready to run while others had its core."""

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:  # only Linux keeps count: elsewhere a turn is what the clock says
            self._file = None

    def nanoseconds(self) -> int:
        return 0 if self._file is None else int(os.pread(self._file, 100, 0).split()[1])


def take_turns(text: str) -> str:
    """Make the block's learner, warm up, and take turns until told to stop; return the record."""
    request: dict[str, Any] = json.loads(text)
    block = block_from(json.dumps(request["block"]))
    settle(block)
    record = block.record("ok")
    # Whoever asked hangs up at once when another lane has failed: that is no failure of this one.
    with suppress(ConnectionError, FileNotFoundError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(request["socket"])
        with connection.makefile("rw") as channel:
            record = measured(block, measure=lambda *what: _turns(channel, *what))
    return record.to_line()


def _turns(channel: TextIO, block: Block, learner: Learner) -> Look:
    repeat, latest = REPEATED[block.measured](block, learner)
    synchronize, pushed_aside = device.synchronizer(block.device), PushedAside()

    def stretch(steps: int) -> float:
        gc.collect()
        synchronize()
        start, aside, others = time.perf_counter_ns(), pushed_aside.nanoseconds(), _others()
        repeat(steps)
        synchronize()
        aside, others = pushed_aside.nanoseconds() - aside, _others() - others
        return counted(time.perf_counter_ns() - start, aside, others) / 1e9

    with suppress(ConnectionError):
        _say(channel, _warm_up(stretch, block.protocol.warmup_s))
        for line in channel:
            _say(channel, stretch(int(line)))
    if not all_finite(latest[0]):
        raise NotFinite("the result holds NaN or infinity after the block's steps")
    return Look(Times())


def counted(wall: int, aside: int, others: int) -> int:
    """Return what counts of a stretch: all of it but what strangers, not its own threads, took."""
    own = others if others > LEAST_SHARE * wall else 0
    return wall - max(0, aside - own)


def _others() -> int:
    """Return the processor time, in nanoseconds, of this process's threads but this one."""
    return time.process_time_ns() - time.thread_time_ns()


def _warm_up(stretch: Any, least_s: float) -> float:
    """Take steps for at least so many seconds; return those of one."""
    spans: list[float] = []
    while len(spans) < LEAST_STEPS or sum(spans) < least_s:
        spans.append(stretch(1))
    return statistics.median(spans[len(spans) // 2 :])


def _say(channel: TextIO, seconds: float) -> None:
    channel.write(f"{seconds!r}\n")
    channel.flush()
