"""The ratios of variants: times in the rounds that judge, batches, and operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.declare.pair import Pair
from harness.declare.rounds import choosing_rounds
from harness.judge.evidence import Key
from harness.judge.ratios import CONFIDENCE, bootstrap_seed
from harness.judge.statistics import PairedInterval, paired_ratio
from harness.studies.variants.evidence import Place, Study


@dataclass(frozen=True)
class Ratios:
    """The baseline's times over a variant's, of one task unless a batch is named."""

    study: Study
    pair: Pair
    _known: dict[tuple[str, float], PairedInterval] = field(default_factory=dict, repr=False)
    """By what they are of: many taus choose the same variant, and a bootstrap takes its time."""

    @property
    def choosing(self) -> frozenset[int]:
        return choosing_rounds(self.study.method.taken)

    @property
    def judging(self) -> frozenset[int]:
        return frozenset(self.study.method.rounds) - self.choosing

    def of_task(
        self, name: str, steps: int, confidence: float = CONFIDENCE
    ) -> PairedInterval | None:
        study = self.study
        baseline = study.plain.single((study.baseline, steps), self.judging)
        method = study.method.single((name, steps), self.judging)
        return self._paired(baseline, method, f"{name} {steps}", confidence)

    def own_part(self, name: str, steps: int) -> PairedInterval | None:
        """Return the full variant's time over a variant's: what leaving something out gives."""
        full: Place = (self.study.full, steps)
        first, second = (
            self.study.method.single(place, self.judging) for place in (full, (name, steps))
        )
        return self._paired(first, second, f"own {name} {steps}")

    def of_batch(self, name: str, steps: int) -> PairedInterval | None:
        study = self.study
        members = (study.plain.batch, study.baseline), (study.method.batch, name)
        baseline, method = (
            {k: s for k, s in times.get((who, steps), {}).items() if k[2] in self.judging}
            for times, who in members
        )
        return self._paired(baseline, method, f"batch {name} {steps}")

    def of_operations(self, name: str, steps: int) -> float | None:
        before = self.study.plain_flops.get((self.study.baseline, steps))
        after = self.study.flops.get((name, steps))
        return before / after if before and after else None

    def _paired(
        self,
        baseline: Mapping[Key, float],
        method: Mapping[Key, float],
        purpose: str,
        confidence: float = CONFIDENCE,
    ) -> PairedInterval | None:
        if not baseline.keys() & method.keys():
            return None
        known = purpose, confidence
        if known not in self._known:
            seed = bootstrap_seed(self.pair, purpose)
            self._known[known] = paired_ratio(baseline, method, seed=seed, confidence=confidence)
        return self._known[known]
