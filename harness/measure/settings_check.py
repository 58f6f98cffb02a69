"""The settings check: every learner with settings or ranks is made once, before a run is begun.

A wrong setting would otherwise be found out after hours. All are made by one call, since on a
cluster each would wait for a machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.measure.block import Block, block_from
from harness.measure.engines.engine import Answer, Engine, Resources

LIMIT_S = 120.0  # of one learner

Asked = tuple[Block, tuple[str, ...]]
"""A block, and the modules that its worker imports."""


@dataclass(frozen=True)
class SettingsCheck:
    """The making of learners, one after another, each in a process of its own."""

    engine: Engine
    asked: Sequence[Asked]

    there: ClassVar[str] = "harness.measure.settings_check:check_there"

    def require_right_settings(self) -> None:
        """Raise an error for the first wrong setting."""
        if not self.asked:
            return
        needed = Resources(gpus=max(block.gpus for block, _ in self.asked))
        if wrong := self.engine.make(self, LIMIT_S * len(self.asked), needed):
            raise UsageError(wrong)

    def here(self) -> str:
        """Return what is wrong with the first learner with which something is."""
        for block, imports in self.asked:
            call = "harness.measure.worker:rehearse"
            answer = self.engine.call(call, block.to_json(), LIMIT_S, imports)
            if answer.text:
                return f"pair {block.pair.name}: {answer.text}"
        return ""

    def to_json(self) -> str:
        return json.dumps([[block.to_json(), imports] for block, imports in self.asked])

    def read(self, answer: Answer) -> str:
        return answer.text


def check_there(engine: Engine, text: str) -> str:
    """Check the settings on the engine's machine."""
    asked = [(block_from(block), tuple(imports)) for block, imports in json.loads(text)]
    return SettingsCheck(engine, asked).here()


def first_of_each(blocks: Sequence[Block]) -> list[Block]:
    """Return a block of each learner that is given settings or ranks."""
    settled: dict[tuple[object, ...], Block] = {}
    for block in blocks:
        key = block.pair.name, block.member, tuple(sorted(block.point)), block.ranks > 1
        settled.setdefault(key, block)
    return [
        block
        for block in settled.values()
        if block.pair.settings or block.learner_settings or block.ranks > 1
    ]
