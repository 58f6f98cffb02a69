"""What was chosen among a method's variants, held to the claims that are about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from harness.declare.claims import Reading
from harness.declare.measures import named
from harness.declare.point import Point
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, Observed, Place, Ratio, Source
from harness.judge.pair_study import Answer, PairSoFar, PairStudy, Part
from harness.judge.quality.pair_quality import observed_by_seed, strictest_margin
from harness.judge.ratios import CONFIDENCE, nothing, observed, without_interval
from harness.judge.threats import Threat, Told
from harness.studies.variants import MEASURES, QUALITIES, TIMES, Settings
from harness.studies.variants.evidence import Study, study_of, why_unstudied
from harness.studies.variants.finding import At, Best, Selection, trained_words
from harness.studies.variants.selection import Selector

CLAIMED = tuple(each.name for each in MEASURES if each.claimed)


def variants(so_far: PairSoFar) -> PairStudy | None:
    """Judge the variants of a pair's method; None where none were looked at or asked about."""
    study = study_of(so_far.evidence, so_far.pair)
    if study is not None:
        margin = strictest_margin(so_far.claims)
        given = so_far.evidence.manifest.suite.study.get("variants", {})
        steps = int(given.get("train_steps", Settings.train_steps))
        return Selected(Selector(study, so_far.pair, margin, steps), so_far.evidence)
    return Unstudied(so_far) if so_far.asks(*CLAIMED) else None


@dataclass(frozen=True)
class Unstudied(PairStudy):
    """A pair whose variants a claim is about, and of which nothing was seen."""

    so_far: PairSoFar

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        if reading.measure not in CLAIMED:
            return None
        why = why_unstudied(self.so_far.evidence, self.so_far.pair, reading.measure)
        return Answer(nothing(reading.quantity, why))


@dataclass(frozen=True)
class Selected(PairStudy):
    """What was chosen among the variants, as ratios and as answers to claims."""

    selector: Selector
    evidence: Evidence

    @property
    def study(self) -> Study:
        return self.selector.study

    @property
    def finding(self) -> Selection:
        return self.selector.selection

    def ratios(self, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
        """Return the times as the ratios of the pair: the full variant's and the chosen one's."""
        study, found = self.study, []
        for steps in study.steps:
            found.append(self._as_ratio("full_time", study.full, steps, confidence))
            choice = self.selector.choice(self.selector.margin, steps)
            if choice is not None:
                found.append(self._as_ratio("chosen_time", choice.variant, steps, confidence))
        return tuple(found)

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        """Return what a claim asks of the chosen or of the best variant."""
        steps = reading.inner_steps
        if reading.measure not in CLAIMED or steps is None:
            return None
        if steps not in self.study.steps:
            return Answer(nothing(reading.quantity, None), unlooked=self._unlooked(steps))
        answer = self._gained if reading.measure == "chosen_gain" else self._chosen
        return dataclasses.replace(
            answer(reading, steps, margin),
            unproven=self.selector.out_of_training(steps, margin),
            conditions=trained_words(self.study.trained_at),
        )

    def _unlooked(self, steps: int) -> str:
        """Say that nothing was seen of a number of inner steps, and what to set so that it is."""
        seen = ", ".join(map(str, self.study.steps))
        return (
            f"adaptation at {steps} inner steps (it measures {seen}; add {steps} to inner_steps in "
            "its [study.variants])"
        )

    def _gained(self, reading: Reading, steps: int, margin: float) -> Answer:
        best = self.selector.best(steps)
        gain = best.gain if best is not None else None
        seeds = len(self.study.seeds) if gain is not None else 0
        ratio = Ratio(
            named(reading.measure, steps),
            "",
            None,
            None,
            gain,
            seeds,
            observed=self._gained_by_seed(best, steps),
            source=self._gained_from(best, steps),
        )
        if best is None or gain is None:
            return Answer(self._explained(ratio, reading))
        remark = None
        if set(best.own) != {best.variant}:  # seeds differ about the best
            each = ", ".join(best.own)
            remark = f"each seed is judged by the best variant of the other seeds: {each}"
        return Answer(
            ratio, quality=self.selector.quality(best.variant, steps, margin), remark=remark
        )

    def _gained_by_seed(self, best: Best | None, steps: int) -> tuple[Observed, ...]:
        """Return the full variant's quality and the best one's, seed by seed."""
        study = self.study
        own = zip(study.seeds, best.own, strict=True) if best is not None else ()
        after = {s: found[s] for s, n in own if s in (found := study.test.get((n, steps), {}))}
        return observed_by_seed(study.test.get((study.full, steps), {}), after)

    def _gained_from(self, best: Best | None, steps: int) -> Source:
        study = self.study
        own = zip(study.seeds, best.own, strict=True) if best is not None else ()
        return Source(
            QUALITIES.name,
            "r.seen.test",
            Place("method", _point(study.full, steps)),
            Place("method", by_seed={seed: _point(name, steps) for seed, name in own}),
            study.higher_is_better,
        )

    def _chosen(self, reading: Reading, steps: int, margin: float) -> Answer:
        choice = self.selector.choice(margin, steps)
        if choice is None:
            why = "no variant has both its validation quality and its times in the records"
            return Answer(self._explained(nothing(reading.quantity, why), reading))
        ratio = self._as_ratio(reading.measure, choice.variant, steps, CONFIDENCE)
        own = choice.own_ratio
        part = Part(
            Ratio("chosen_time", "s", None, None, own, own.n if own is not None else 0),
            f"Variant {choice.variant} was chosen, and its part, against the method's own full "
            "one,",
        )
        quality = self.selector.quality(choice.variant, steps, margin)
        return Answer(self._explained(ratio, reading), part, quality)

    def _explained(self, ratio: Ratio, reading: Reading) -> Ratio:
        """Return a ratio without an interval with the pass that gave nothing as its reason."""
        if ratio.interval is not None:
            return ratio
        why = why_unstudied(self.evidence, self.selector.pair, reading.measure)
        return without_interval(ratio, why or ratio.reason)

    def _as_ratio(self, measure: str, name: str, steps: int, confidence: float) -> Ratio:
        study = self.study
        rounds = (
            self.selector.times.judging or self.selector.times.choosing
        )  # of one round alone the times, without a ratio
        baseline = study.plain.single((study.baseline, steps), rounds)
        method = study.method.single((name, steps), rounds)
        interval = self.selector.times.of_task(name, steps, confidence)
        reason = None
        if interval is None and len(study.method.rounds) == 1:
            reason = "one round alone: none is left to judge by"
        elif interval is None:
            reason = "no round holds both members"
        return Ratio(
            named(measure, steps),
            "s",
            median(baseline.values()) if baseline else None,
            median(method.values()) if method else None,
            interval,
            interval.n if interval else 0,
            reason,
            observed=observed(baseline, method),
            unused="its times chose the variant",
            source=Source(
                TIMES.name,
                "np.median(r.seen.seconds)",
                Place("baseline", _point(study.baseline, steps)),
                Place("method", _point(name, steps)),
            ),
        )


def _point(variant: str, steps: int) -> Point:
    return {"variant": variant, "inner_steps": steps}


def at_chance(evidence: Evidence, judgement: Judgement) -> Iterator[Told]:
    """Name published variants that do no better than guessing at the rate that all share."""
    for judged in judgement.pairs:
        selection: Selection | None = judged.studies.get("variants")
        records = evidence.of(judged.pair)
        chance = next((record.chance for record in records if record.chance is not None), None)
        if selection is None or chance is None or not judged.verdicts:
            continue
        for row in selection.rows:
            low = [f"{at.quality:.3g} at {at.steps}" for at in row.at if _guesses(at, chance)]
            if row.known_as and low:
                yield Told(
                    Threat.CHANCE,
                    f"{judged.pair.name}: {row.known_as} ({row.name}) has {selection.metric} "
                    f"{', '.join(low)} inner steps, where guessing has {chance:.3g}. All variants "
                    "adapt at the same rate, which may not be the rate that it needs.",
                )


def _guesses(at: At, chance: float) -> bool:
    return at.over_tasks is not None and at.over_tasks.low <= chance
