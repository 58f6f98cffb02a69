"""A block: one member of a pair, measured once by one pass, in one fresh process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from harness.declare.settings import build
from harness.declare.suite import Member, Pair, Pass, Protocol, settings_words
from harness.records.record import Record, Status
from harness.seeds import block_seed

Seen = dict[str, Any]
"""Fields of a record."""


@dataclass(frozen=True)
class Block:
    """All that a worker must be told; it travels as JSON."""

    pair: Pair
    measured: Pass
    member: Member
    seed: int
    round: int
    protocol: Protocol
    threads: int  # of each of its processes
    device: str = "cpu"
    data_dir: str | None = None
    plugins: tuple[str, ...] = ()
    tasks: int | None = None  # of a step, where it is looked at how ranks share so many

    @property
    def id(self) -> str:
        what = self.measured + (f"-{self.ranks}x{self.tasks}" if self.tasks is not None else "")
        return f"{self.pair.name}/{what}/{self.member}/seed{self.seed}/round{self.round}"

    @property
    def task_seed(self) -> int:
        """The seed that weights and tasks are drawn with; the learner has no part in it."""
        return block_seed(0, self.pair.workload, self.seed)

    @property
    def learner(self) -> str:
        return self.pair.learner(self.member)

    @property
    def ranks(self) -> int:
        return self.pair.processes(self.member)

    @property
    def learner_settings(self) -> dict[str, Any]:
        return dict(self.pair.learner_settings(self.member))

    def record(self, status: Status, **seen: Any) -> Record:
        """Return this block's record with what was seen."""
        about: Seen = {
            "block": self.id,
            "pair": self.pair.name,
            "measured": self.measured,
            "member": self.member,
            "learner": self.learner,
            "workload": self.pair.workload,
            "settings": settings_words(self.pair.settings),
            "learner_settings": settings_words(self.learner_settings),
            "seed": self.seed,
            "round": self.round,
            "status": status,
            "device": self.device,
            "threads": self.threads,
            "processes": self.ranks,
            "tasks": self.tasks,
            "communicator": self.pair.communication(self.member),
        }
        return Record(**about | seen)

    def to_json(self) -> str:
        """Leave out what is at its default: a worker of another version may not know of it."""
        return json.dumps(_told(self))


def _told(value: Any) -> Any:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    return {
        field.name: _told(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != _default(field)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def block_from(text: str) -> Block:
    return build(Block, json.loads(text), "block")
