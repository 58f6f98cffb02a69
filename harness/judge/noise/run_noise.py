"""Twins: a baseline beside itself, in every timed pair, and the noise that each pair is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.declare.pair import Pair
from harness.declare.study import Study
from harness.judge.evidence import Evidence
from harness.judge.noise.pair_noise import AA_CONFIDENCE, Noise, Twins, noise_by_pair, noise_of
from harness.judge.pair_study import PairSoFar, studied
from harness.judge.ratios import CONFIDENCE, clocked, ratios


@dataclass(frozen=True)
class Noises:
    """The noise of a run: each pair's own, or that of its A/A pairs where it has no twin."""

    twins: tuple[Twins, ...]

    @classmethod
    def of(cls, evidence: Evidence, studies: Sequence[Study]) -> Noises:
        """Measure all twins; noise is noise whatever is computed, so no check is asked for."""
        found: list[Twins] = []
        for pair in evidence.manifest.suite.pair:
            if pair.is_aa:
                found += twins_in(evidence, pair, studies)
            elif (of_twin := evidence.twins_of(pair)) is not None:
                found += twins_in(*of_twin, studies, own=True)
        return cls(tuple(found))

    @cached_property
    def whole(self) -> Noise:
        return noise_of(self.twins)

    def of_pair(self, name: str) -> Noise:
        return self._own.get(name, self._shared)

    @cached_property
    def _own(self) -> dict[str, Noise]:
        return noise_by_pair(self.twins)

    @cached_property
    def _shared(self) -> Noise:
        return noise_of([twins for twins in self.twins if not twins.own])


def twins_in(
    evidence: Evidence, pair: Pair, studies: Sequence[Study] = (), *, own: bool = False
) -> list[Twins]:
    """Return what a baseline and itself measured, in all that a clock measures."""
    of_studies = studied(PairSoFar(evidence, pair), studies).values()
    narrow, wide = (
        [*ratios(evidence, pair, at), *(ratio for each in of_studies for ratio in each.ratios(at))]
        for at in (CONFIDENCE, AA_CONFIDENCE)
    )
    return [
        Twins(pair.name, ratio.measure, ratio.interval, wider.interval, own, ratio.point)
        for ratio, wider in zip(narrow, wide, strict=True)
        if clocked(ratio.measure) and ratio.interval is not None and wider.interval is not None
    ]
