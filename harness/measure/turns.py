"""The worker's side of turns: a block that takes one whenever it is told to.

The workers of a round wait beside each other, and whoever started them tells one at a time to go.
Two turns that are compared lie tens of milliseconds apart instead of a block's half second, so that
nearly all of a neighbour's noise hits both. Every round still has fresh processes, and these warm
up one after another too: at once they would keep each other from the cores. Who waits reads from a
socket and burns no core; every rank of a team has a socket of its own.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, TextIO

from harness.declare.passes import Look, Turns
from harness.measure.block import block_from
from harness.measure.interleaving import READY
from harness.measure.worker import answer
from harness.team.communicator import Seat


def take_turns(text: str, seat: Seat | None = None) -> str:
    """Make the block's learner, warm up, and take turns until told to stop; return the record."""
    request: dict[str, Any] = json.loads(text)
    block = block_from(json.dumps(request["block"]))
    limit = Limit(block.protocol.limit_s if seat is None else 0)
    with socket.socket(socket.AF_UNIX) as connection:
        # Nobody listens any more where another process of the round failed on starting.
        with suppress(ConnectionError, FileNotFoundError):
            connection.connect(request["socket"])
        with connection.makefile("rw") as channel:
            called = request.get("called", False)  # a harness of before does not call
            taken = partial(_taken, channel=channel, limit=limit, called=called)
            return answer(block, seat, taken, request["of"])


class Limit:
    """The seconds that a process may take for its own turns; it is ended when they are over.

    The ranks of a team end each other by losing patience, and have none.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self.go_on()

    def go_on(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._left)

    def pause(self) -> None:
        self._left, _ = signal.setitimer(signal.ITIMER_REAL, 0)


def _taken(turns: Turns, channel: TextIO, limit: Limit, called: bool) -> Look:
    waited = 0.0

    def told() -> str:
        nonlocal waited
        limit.pause()
        start = time.perf_counter()
        said = channel.readline()
        waited += time.perf_counter() - start
        limit.go_on()
        return said

    if called:
        _say(channel, READY)
        if not told():
            raise BrokenPipeError("the round ended before this worker's turn to warm up")
    pace = turns.warm_up()
    with suppress(ConnectionError):
        _say(channel, f"{pace.steps} {pace.turns}")
        while steps := told():
            turns.take(int(steps))
            _say(channel, "")
    look = turns.look()
    return dataclasses.replace(look, costs=dataclasses.replace(look.costs, waited_s=waited))


def _say(channel: TextIO, words: str) -> None:
    channel.write(f"{words}\n")
    channel.flush()
