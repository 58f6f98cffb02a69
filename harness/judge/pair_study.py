"""What a study's judge says of a pair, and what it answers when a claim is held to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.declare.claims import Claim, Reading
from harness.declare.pair import Member, Pair
from harness.declare.study import Study
from harness.judge.evidence import Evidence
from harness.judge.judgement import Curves, Quality, Ratio
from harness.judge.ratios import CONFIDENCE


@dataclass(frozen=True)
class Part:
    """What of a ratio is the method's own, and not its implementation's."""

    ratio: Ratio
    told: str
    """What it is, as the beginning of a sentence that goes on with what it decides."""


@dataclass(frozen=True)
class Answer:
    """What was found of a reading of a claim."""

    ratio: Ratio
    """The ratio, or the gain; without an interval its reason says why."""
    part: Part | None = None
    """Of the words of the ratio and of its part, the weaker counts."""
    quality: Quality | None = None
    """The quality that belongs to this ratio, where it is not the pair's."""
    unlooked: str | None = None
    """What the suite does not look at, though the reading is about it."""
    unproven: str | None = None
    """Why a good word could not stand, whatever the ratio is."""
    remark: str | None = None
    """What is to be added to the reason."""
    late: frozenset[Member] = frozenset()
    """Members of which some runs never got there, so that the ratio is but a bound on that side."""
    why_late: Mapping[Member, str] = field(default_factory=dict)
    """Why it is one on that side, where it is not that runs of this member never got there."""
    counted: bool = False
    """Whether no noise need be allowed for."""
    conditions: str = ""
    """What else a reader must know of how it was measured, in a few words."""


@dataclass(frozen=True)
class PairSoFar:
    """What is known of a pair when studies are asked about it."""

    evidence: Evidence
    pair: Pair
    claims: tuple[Claim, ...] = ()
    ratios: tuple[Ratio, ...] = ()  # the spine's
    inherited: Curves | None = None  # the proof that the baseline's curve stands for the method's

    def asks(self, *measures: str) -> bool:
        """Tell whether any of the pair's claims is about one of these measures."""
        return any(r.measure in measures for claim in self.claims for r in claim.readings)

    def ratio(self, measure: str) -> Ratio | None:
        return next((r for r in self.ratios if r.measure == measure and not r.point), None)


class PairStudy:
    """A study's judgement of one pair."""

    @property
    def finding(self) -> Any:
        """What was found, as a dataclass of plain data that a report shows."""
        return None

    @property
    def target(self) -> float | None:
        """A quality that both members are raced to, which learning curves are drawn with."""
        return None

    def ratios(self, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
        """Return what stands among the pair's ratios."""
        return ()

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        """Return what a claim is held to, or None where the reading is not this study's."""
        return None

    def answers(self, reading: Reading, margin: float) -> tuple[Answer, ...]:
        """Return all that a claim is held to, where one pair gives several answers."""
        found = self.answer(reading, margin)
        return () if found is None else (found,)


def studied(so_far: PairSoFar, studies: Sequence[Study]) -> dict[str, PairStudy]:
    """Return what studies judge of a pair, by their names."""
    found = {each.name: each.of_pair(so_far) for each in studies}
    return {name: each for name, each in found.items() if each is not None}
