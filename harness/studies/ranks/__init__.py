"""Ranks: how a method's step changes as processes are added that share its work.

A pair sweeps its ranks, with a batch that stays as it is (strong scaling) or grows with them
(weak). The spine times the steps; a pass of this study times bare all-reduces of the size that a
step sends. A model of both predicts the times of more ranks than there are cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.records.seen import clock_gives, counted, of_unit
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement


@dataclass(frozen=True)
class Settings:
    """What a suite may set in [study.ranks]."""

    held_out: int = 3
    """Ranks that the model is not fitted to, to check what it predicts."""
    batch: int = 32
    """Tasks of a step whose batch stays as it is while ranks are added: strong scaling."""
    share: int = 8
    """Tasks of each rank in a step whose batch grows with the ranks: weak scaling."""

    def __post_init__(self) -> None:
        for name in ("held_out", "batch", "share"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be above 0")


@dataclass(frozen=True)
class Wire(Seen):
    """What a step sends, and the seconds of bare all-reduces; nothing where one rank is alone."""

    allreduce_calls: int | None = of_unit("calls")
    allreduce_bytes: int | None = of_unit("bytes")
    wire_bytes: tuple[int, ...] = of_unit("bytes", ())
    wire_seconds: tuple[float, ...] = of_unit("s", ())

    def flaw(self) -> str | None:
        if len(self.wire_bytes) != len(self.wire_seconds) or not counted(self.wire_bytes, least=1):
            return "its record does not hold the seconds of every bare all-reduce"
        if not clock_gives(self.wire_seconds):
            return "its record holds all-reduces of seconds that no clock gives"
        return None


WIRE = Pass(
    "wire", Wire, "rounds", "harness.studies.ranks.measure:time_wires", clocked=True, both=False
)


@study("ranks")
class Ranks(Study):
    """How a method's step changes as ranks are added that share its work."""

    settings = Settings
    passes = (WIRE,)
    pair_judge = "harness.studies.ranks.judge:scaling_of"
    shown_by = "harness.studies.ranks.show:parts"
    told_by = "harness.studies.ranks.show:said"

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        from harness.studies.ranks.readings import readings

        return readings(evidence, judgement) or None
