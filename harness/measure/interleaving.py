"""Interleaving: rounds of fresh processes that take short turns at their blocks, in any order."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import ClassVar, TextIO

from harness.declare.passes import Pace, Seen
from harness.errors import MeasurementError
from harness.measure.block import Block, block_from
from harness.measure.engines.engine import Answer, Engine, Resources
from harness.measure.engines.outcome import record_from_answer, record_of_team
from harness.records.record import Record, record_from
from harness.registry import Registry
from harness.temporary import temporary_folder

PATIENCE_S = 0.2  # between two looks at whether a worker that has not called in is still there
CALL = "harness.measure.turns:take_turns"
TRIES = 2
READY = "ready"
"""What a worker says that waits until it may warm up; one of an older version begins at once."""


@dataclass(frozen=True)
class Lane:
    """A block, and where its processes are started."""

    engine: Engine
    block: Block
    imports: tuple[str, ...]
    registry: Registry

    def measure(self) -> Record[Seen]:
        """Let the engine measure the block by itself, in as many processes as it has ranks."""
        (record,) = _tried(lambda: [self._measured()])
        return record

    def _measured(self) -> Record[Seen]:
        call = "harness.measure.worker:work" + ("_together" if self.block.ranks > 1 else "")
        try:
            return self.record(self.start(call, self.block.to_json(), self.block.limit_s))
        except MeasurementError as error:
            return self.block.record("failed", reason=str(error))

    def start(self, call: str, text: str, limit_s: float) -> Sequence[Answer]:
        ranks = self.block.ranks if self.block.ranks > 1 else None
        return self.engine.call_ranks(call, text, limit_s, self.imports, ranks, self.resources)

    @property
    def resources(self) -> Resources:
        """What the block needs of a machine; all of a pair that is clocked is on the same one."""
        block, known = self.block, self.registry.passes[self.block.measured]
        return Resources(
            cores=block.ranks * block.threads,
            gpus=block.gpus,
            alone=known.alone,
            machine=block.pair.name if known.clocked else "",
        )

    def record(self, answers: Sequence[Answer]) -> Record[Seen]:
        """Return the record of the block, which had one process, or one for every rank."""
        if self.block.ranks == 1:
            return record_from_answer(answers[0], self.block, self.registry.passes)
        return record_of_team(answers, self.block, self.registry.passes)


@dataclass(frozen=True)
class Round:
    """Blocks that are timed beside each other: in turns, or whole ones in random order."""

    lanes: Sequence[Lane]
    in_turns: bool
    seed: int
    """Of the order in which they have their turns."""

    there: ClassVar[str] = "harness.measure.interleaving:take_there"

    def measure(self) -> list[Record[Seen]]:
        """Let the engine take the round on a machine that has what its largest block needs."""
        each = [lane.resources for lane in self.lanes]
        needed = dataclasses.replace(
            each[0],
            cores=max(resources.cores for resources in each),
            gpus=max(resources.gpus for resources in each),
        )
        engine = self.lanes[0].engine
        limit_s = TRIES * sum(lane.block.protocol.limit_s for lane in self.lanes)
        records = engine.make(self, limit_s, needed)
        if any(record.together for record in records):
            return records
        records = _again(engine.make(self, limit_s, needed))  # its machine was lost
        return _of_round(records, datetime.now(UTC).isoformat(), in_turns=self.in_turns)

    def here(self) -> list[Record[Seen]]:
        measure = measure_in_turns if self.in_turns else measure_apart
        return measure(self.lanes, Random(self.seed))

    def to_json(self) -> str:
        lanes = [{"block": lane.block.to_json(), "imports": lane.imports} for lane in self.lanes]
        return json.dumps({"lanes": lanes, "in_turns": self.in_turns, "seed": self.seed})

    def read(self, answer: Answer) -> list[Record[Seen]]:
        if not answer.text:
            return [lane.block.record("died", reason=answer.died_of) for lane in self.lanes]
        passes = self.lanes[0].registry.passes
        return [record_from(line, "a round", passes) for line in json.loads(answer.text)]


def _of_round(records: Sequence[Record[Seen]], began: str, *, in_turns: bool) -> list[Record[Seen]]:
    """Return records that say of which round they are, unless whoever took it has said so."""
    return [
        dataclasses.replace(record, together=record.together or began, in_turns=in_turns)
        for record in records
    ]


def take_there(engine: Engine, text: str) -> str:
    """Take a round on the engine's machine, for whom it was asked by."""
    asked = json.loads(text)
    blocks = [block_from(lane["block"]) for lane in asked["lanes"]]
    registry = Registry(blocks[0].plugins).whole()
    lanes = [
        Lane(engine, block, tuple(lane["imports"]), registry)
        for block, lane in zip(blocks, asked["lanes"], strict=True)
    ]
    found = Round(lanes, asked["in_turns"], asked["seed"]).here()
    return json.dumps([record.to_line() for record in found])


def measure_in_turns(lanes: Sequence[Lane], random: Random) -> list[Record[Seen]]:
    """Start fresh processes in every lane, let them take their turns, and return their records.

    Every turn goes through the lanes in an order drawn anew, so that none is likelier to be hit by
    what the machine does than another: that makes the sign of a difference between two equal ones
    a fair coin. A lane that fails leaves the turns to the others.
    """
    return _tried(lambda: _in_turns(lanes, random))


def _in_turns(lanes: Sequence[Lane], random: Random) -> list[Record[Seen]]:
    began = datetime.now(UTC).isoformat()
    processes = sum(lane.block.ranks for lane in lanes)
    limit_s = sum(lane.block.protocol.limit_s for lane in lanes)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder(for_sockets=True))
        threads = stack.enter_context(ThreadPoolExecutor(len(lanes)))
        seats = [_Seat(lane, folder / str(number)) for number, lane in enumerate(lanes)]
        with ExitStack() as channels:
            for seat in random.sample(seats, len(seats)):
                channels.enter_context(seat.listener)
                seat.start(threads, processes, limit_s)
            for seat in seats:
                seat.accept(channels)
            _take(seats, random)
        records = [seat.lane.record(seat.answers.result()) for seat in seats]
    return _of_round(records, began, in_turns=True)


def measure_apart(lanes: Sequence[Lane], random: Random) -> list[Record[Seen]]:
    """Measure whole blocks one after another, in random order, and return their records."""
    began = datetime.now(UTC).isoformat()
    order = random.sample(range(len(lanes)), len(lanes))
    records = {place: lanes[place].measure() for place in order}
    return _of_round([records[place] for place in sorted(order)], began, in_turns=False)


def _tried(measure: Callable[[], list[Record[Seen]]]) -> list[Record[Seen]]:
    """Measure, and once more if a worker died: something else may have killed it."""
    records = measure()
    if all(record.status != "died" for record in records):
        return records
    return _again(measure())


def _again(records: list[Record[Seen]]) -> list[Record[Seen]]:
    """Return what a second try gave."""
    return [dataclasses.replace(record, tries=TRIES) for record in records]


def _take(seats: Sequence[_Seat], random: Random) -> None:
    ready = [(seat, seat.heard()) for seat in seats]
    # One after another: at once they would keep each other from the cores.
    order = random.sample(ready, len(ready))
    paces = {seat: pace for seat, said in order if (pace := seat.warm_up(said)) is not None}
    # Who does the same work takes as many steps.
    steps = {
        seat.work: max(other.steps for at, other in paces.items() if at.work == seat.work)
        for seat in paces
    }
    for turn in range(max((pace.turns for pace in paces.values()), default=0)):
        for seat in random.sample(list(paces), len(paces)):
            if turn < paces[seat].turns and not seat.turn(steps[seat.work]):
                del paces[seat]


class _Seat:
    """A lane in a round: its processes, and the channels by which they are told to go."""

    def __init__(self, lane: Lane, path: Path) -> None:
        self.lane, self.path = lane, path
        self.work = lane.block.learner, repr(sorted(lane.block.learner_settings.items()))
        self.listener = socket.socket(socket.AF_UNIX)
        self.answers: Future[Sequence[Answer]]
        self.channels: list[TextIO] = []

    def start(self, threads: ThreadPoolExecutor, processes: int, limit_s: float) -> None:
        self.listener.bind(str(self.path))
        self.listener.listen(self.lane.block.ranks)
        self.listener.settimeout(PATIENCE_S)
        block = json.loads(self.lane.block.to_json())
        request = {"socket": str(self.path), "block": block, "of": processes, "called": True}
        self.answers = threads.submit(self.lane.start, CALL, json.dumps(request), limit_s)

    def accept(self, channels: ExitStack) -> None:
        """Wait until all ranks have called in, or one is known to have ended."""
        while len(self.channels) < self.lane.block.ranks and not self.answers.done():
            with suppress(TimeoutError):
                connection, _ = self.listener.accept()
                connection.settimeout(None)
                with connection:  # the file keeps it open
                    self.channels.append(channels.enter_context(connection.makefile("rw")))

    def warm_up(self, said: list[str] | None) -> Pace | None:
        """Let all ranks warm up that said they are ready to, and return the pace they ask for."""
        if said and all(words.strip() == READY for words in said):
            said = self.heard() if self._told("go") else None
        return Pace(*map(int, said[0].split())) if said else None

    def turn(self, steps: int) -> bool:
        """Let all ranks take a turn, and say whether they did."""
        return self._told(str(steps)) and self.heard() is not None

    def _told(self, words: str) -> bool:
        """Tell all ranks, and say whether all are still there."""
        with suppress(ConnectionError):
            for channel in self.channels:
                channel.write(f"{words}\n")
                channel.flush()
            return True
        return False

    def heard(self) -> list[str] | None:
        """Wait for what every rank says, and return it; None where one has gone."""
        with suppress(ConnectionError):
            said = [channel.readline() for channel in self.channels]
            return said if said and all(said) else None
        return None
