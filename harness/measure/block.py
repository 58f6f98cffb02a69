"""A block: one member of a pair, measured once by one pass, in one fresh process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from harness.declare.block_id import block_id
from harness.declare.pair import Member, Pair, settings_words
from harness.declare.passes import Seen
from harness.declare.point import Point
from harness.declare.protocol import Protocol
from harness.declare.settings import build
from harness.private import without_places
from harness.records.record import Record, Status
from harness.seeds import block_seed


@dataclass(frozen=True)
class Block:
    """All that a worker must be told; it travels as JSON."""

    pair: Pair  # as it is at the block's point
    measured: str  # the pass
    member: Member
    seed: int
    round: int
    protocol: Protocol
    threads: int  # of each of its processes
    device: str = "cpu"
    data_dir: str | None = None
    plugins: tuple[str, ...] = ()
    point: Point = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)
    """Settings of the study that the pass belongs to."""
    beside: str = ""
    """What it is timed beside in a round: blocks that say the same take turns, if they can."""
    all_count: bool = False
    """Whether all seconds count, since what is timed there keeps itself from the cores."""
    jobs: int = 1
    """How many blocks share a machine's cores and its memory."""

    @property
    def id(self) -> str:
        named = self.pair.name, self.measured, self.point, self.member, self.seed, self.round
        return block_id(*named)

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
    def gpus(self) -> int:
        return self.ranks if self.device.startswith("cuda") else 0

    @property
    def limit_s(self) -> float:
        """The most seconds that it may take; with a share of the cores, as many times more."""
        return self.protocol.limit_s * self.jobs

    @property
    def learner_settings(self) -> dict[str, Any]:
        return dict(self.pair.learner_settings(self.member))

    @property
    def may_inherit(self) -> bool:
        """Whether it is left out if the method is shown to have the baseline's learning curve.

        That is shown at the pair's own settings, and says nothing of a sweep's points.
        """
        return self.measured == "curve" and self.member == "method" and not self.point

    def record(self, status: Status, **about: Any) -> Record[Seen]:
        """Return this block's record, with what else its head says."""
        if (reason := about.get("reason")) is not None:
            about["reason"] = without_places(reason)
        known: dict[str, Any] = {
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
            "communicator": self.pair.communication(self.member),
            "point": self.point,
        }
        return Record(**known | about)

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
