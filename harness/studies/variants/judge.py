"""Which variant to take: the fastest that is good enough on validation tasks.

The choice is judged on what had no part in it: on test tasks, and on the times of other rounds than
those that it was made by. So the luck of a winner, with its tasks or with the clock, is not counted
in its favour.

Luck in training is another matter where every variant is trained for itself: it shows on test tasks
as it does on validation tasks. The best of 31 that are all alike, in simulation with three seeds
whose trainings scatter by two points, gains two points and is called better in 12 % of runs instead
of 2.5. So what the best gains is told seed by seed, of the variant that the other seeds take for
the best: 4 %. The fastest that is good enough is less of a winner. It passes as not worse where it
is worse in at most 4 % of simulated runs, so it is judged as it is.

Good enough is what loses no more than tau against the full variant, which is the baseline's own
adaptation. The full variant is measured beside the others from the same weights where one training
serves all, so that nothing but the variant differs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from harness.declare.claims import Reading
from harness.declare.measures import named
from harness.declare.point import Point
from harness.declare.suite import Pair
from harness.judge.answer import Answer, PairSoFar, PairStudy, Part
from harness.judge.choosing import Candidates
from harness.judge.evidence import Evidence
from harness.judge.judgement import Observed, Place, Quality, Ratio, Source
from harness.judge.pair_quality import observed_by_seed, strictest_margin
from harness.judge.quality import accuracy, non_inferior
from harness.judge.ratios import CONFIDENCE, nothing, observed, withhold
from harness.judge.statistics import Interval
from harness.studies.variants import MEASURES, QUALITIES, TIMES, Settings
from harness.studies.variants.finding import Best, Choice, Rival, Selection, trained_words
from harness.studies.variants.ratios import Ratios
from harness.studies.variants.rows import baseline_row, method_rows
from harness.studies.variants.seen import Study, study_of, why_unstudied

CLAIMED = tuple(each.name for each in MEASURES if each.claimed)

TAUS = (0.0, 0.005, 0.01, 0.02, 0.05)


def variants(so_far: PairSoFar) -> PairStudy | None:
    """Judge the variants of a pair's method; None where none were looked at or asked about."""
    study = study_of(so_far.evidence, so_far.pair)
    if study is not None:
        margin = strictest_margin(so_far.claims)
        return Selector(study, so_far.pair, margin, so_far.evidence)
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
class Selector(PairStudy):
    """Chooses among the variants of a study, and judges what it chose."""

    study: Study
    pair: Pair
    margin: float
    evidence: Evidence | None = field(default=None, repr=False)

    @cached_property
    def times(self) -> Ratios:
        return Ratios(self.study, self.pair)

    @property
    def finding(self) -> Selection:
        study, taus = self.study, sorted({*TAUS, self.margin})
        choices = [self.choice(tau, steps) for steps in study.steps for tau in taus]
        best = [self.best(steps) for steps in study.steps]
        return Selection(
            metric=study.metric,
            higher_is_better=study.higher_is_better,
            margin=self.margin,
            rows=method_rows(study, self.pair),
            baseline=baseline_row(study, self.pair),
            full=study.full,
            choices=tuple(choice for choice in choices if choice is not None),
            best=tuple(found for found in best if found is not None),
            batch=study.method.tasks,
            seeds=len(study.seeds),
            choosing_rounds=len(self.times.choosing),
            judging_rounds=len(self.times.judging),
            trained_at=study.trained_at,
        )

    def choice(self, tau: float, steps: int) -> Choice | None:
        """Return what is chosen when tau may be lost; nothing where quality or times are unknown.

        Where lower is better tau is a share of the full variant's loss, as a claim's margin is.
        """
        within = self._within(tau, steps, self.study.seeds)
        if not within:
            return None
        study, name = self.study, within[0]
        gain, not_worse, reason = self._judged(name, steps)
        known = [n for n in within if study.known_as.get(n) and n != study.full]
        return Choice(
            tau=tau,
            steps=steps,
            variant=name,
            known_as=study.known_as.get(name, ""),
            own=tuple(self._within(tau, steps, [seed])[0] for seed in study.seeds),
            within=len(within),
            valid_gain=self._at(steps).valid_gain(name, study.seeds),
            gain=gain,
            not_worse=not_worse,
            reason=reason,
            ratio=self.times.of_task(name, steps),
            own_ratio=self.times.own_part(name, steps),
            batch_ratio=self.times.of_batch(name, steps),
            flops_ratio=self.times.of_operations(name, steps),
            rival=self._rival(known[0], steps, *self._judged(known[0], steps)[:2])
            if known
            else None,
        )

    def best(self, steps: int) -> Best | None:
        """Return the variant of the highest validation quality, and the best that others know."""
        study = self.study
        every = [n for n in study.names if (n, steps) in study.valid]
        known = [n for n in every if study.known_as.get(n) and n != study.full]
        if not every:
            return None
        candidates = self._at(steps)
        name = candidates.best_of(every, study.seeds)
        rival = candidates.best_of(known, study.seeds) if known else None
        return Best(
            steps=steps,
            variant=name,
            known_as=study.known_as.get(name, ""),
            own=tuple(candidates.best_by_others(every).values()),
            gain=candidates.gain_of_best(every),
            ratio=self.times.of_task(name, steps),
            rival=self._rival(rival, steps, candidates.gain_of_best(known)) if rival else None,
        )

    def quality(self, name: str, steps: int, margin: float) -> Quality | None:
        """Return the test quality of a variant beside the full one's."""
        study = self.study
        full, own = study.test.get((study.full, steps)), study.test.get((name, steps))
        if not full or not own:
            return None
        before, after = (accuracy(each, same_tasks=study.same_tasks) for each in (full, own))
        allowed = self._at(steps).allowed(margin, before.mean)
        _, not_worse, reason = self._judged(name, steps, allowed)
        return Quality(
            metric=study.metric,
            higher_is_better=study.higher_is_better,
            baseline=before.mean,
            method=after.mean,
            over_tasks=before.over_tasks,
            over_seeds=before.over_seeds,
            method_over_tasks=after.over_tasks,
            method_over_seeds=after.over_seeds,
            inherited=False,
            not_worse=not_worse,
            margin=allowed,
            reason=reason,
            difference=self._at(steps).not_worse(name, allowed).gain if allowed > 0 else None,
            baseline_steps=self._trained,
            method_steps=self._trained,
        )

    @property
    def _trained(self) -> int | None:
        """The steps of the training, which are the same for every variant."""
        if self.evidence is None:
            return None
        given = self.evidence.manifest.suite.study.get("variants", {})
        return int(given.get("train_steps", Settings.train_steps))

    def out_of_training(self, steps: int, margin: float) -> str | None:
        """Say that the full variant itself is worse than it is as it was trained, if that is shown.

        What loses little against a model that is off its training has not been shown to be good.
        """
        study, trained = self.study, self.study.trained_at
        if trained is None or trained == steps:
            return None
        before, after = (study.test.get((study.full, at)) for at in (trained, steps))
        if not before or not after:
            return None
        allowed = self._at(steps).allowed(margin, accuracy(before).mean)
        if allowed <= 0:
            return None
        outcome = non_inferior(
            before,
            after,
            allowed,
            higher_is_better=study.higher_is_better,
            same_tasks=study.same_tasks,
        )
        if outcome.ok is not False or outcome.gain is None:
            return None
        return (
            f"the full variant {study.full} itself gains {outcome.gain.estimate:+.4g} at {steps} "
            f"inner steps on what it is at the {trained} that it was trained with "
            f"({outcome.gain.low:+.4g} to {outcome.gain.high:+.4g}, each end one-sided at 95 %), "
            f"where {allowed:.4g} may be lost: to lose little against it shows little"
        )

    def ratios(self, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
        """Return the times as the ratios of the pair: the full variant's and the chosen one's."""
        study, found = self.study, []
        for steps in study.steps:
            found.append(self._as_ratio("full_time", study.full, steps, confidence))
            choice = self.choice(self.margin, steps)
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
            unproven=self.out_of_training(steps, margin),
            conditions=trained_words(self.study.trained_at),
        )

    def _unlooked(self, steps: int) -> str:
        """Say that nothing was seen of a number of inner steps, and what to set so that it is."""
        seen = ", ".join(map(str, self.study.steps))
        return (
            f"adaptation at {steps} inner steps (it looks at {seen}; add {steps} to inner_steps in "
            "its [study.variants])"
        )

    def _gained(self, reading: Reading, steps: int, margin: float) -> Answer:
        best = self.best(steps)
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
            remark = f"for each seed the other seeds' best variant is judged: {each}"
        return Answer(ratio, quality=self.quality(best.variant, steps, margin), remark=remark)

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
        choice = self.choice(margin, steps)
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
        quality = self.quality(choice.variant, steps, margin)
        return Answer(self._explained(ratio, reading), part, quality)

    def _explained(self, ratio: Ratio, reading: Reading) -> Ratio:
        """Return a ratio without an interval with the pass that gave nothing as its reason."""
        if ratio.interval is not None:
            return ratio
        assert self.evidence is not None
        why = why_unstudied(self.evidence, self.pair, reading.measure)
        return withhold(ratio, why or ratio.reason)

    def _as_ratio(self, measure: str, name: str, steps: int, confidence: float) -> Ratio:
        study = self.study
        rounds = (
            self.times.judging or self.times.choosing
        )  # of one round alone the times, without a ratio
        baseline = study.plain.single((study.baseline, steps), rounds)
        method = study.method.single((name, steps), rounds)
        interval = self.times.of_task(name, steps, confidence)
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

    def _at(self, steps: int) -> Candidates:
        """Return the variants at a number of inner steps, held to the full one."""
        study = self.study
        return Candidates(
            valid={name: study.valid.get((name, steps), {}) for name in study.names},
            test={
                name: study.test[name, steps] for name in study.names if (name, steps) in study.test
            },
            control=study.full,
            higher_is_better=study.higher_is_better,
            same_tasks=study.same_tasks,
            seeds=study.seeds,
        )

    def _within(self, tau: float, steps: int, seeds: Iterable[int]) -> list[str]:
        """Return the variants that lose no more than tau on validation tasks, the fastest first."""
        study = self.study
        seconds = {
            name: median(times.values())
            for name in study.names
            if (times := study.method.single((name, steps), self.times.choosing))
        }
        return self._at(steps).within(tau, seconds, seeds)

    def _judged(
        self, name: str, steps: int, allowed: float | None = None
    ) -> tuple[Interval | None, bool | None, str]:
        """Return a variant's gain on test tasks, whether it loses no more than the margin, and why.

        The gain has two-sided bounds; the test has one, so that it is the one of every pair.
        """
        candidates = self._at(steps)
        if allowed is None:
            allowed = candidates.margin(self.margin)
        gain = candidates.gain(candidates.test[name])
        if allowed <= 0:
            return gain, None, "a margin of nothing can't be tested"
        outcome = candidates.not_worse(name, allowed)
        over = f"{outcome.seeds} seeds" if outcome.by_seeds else "the tasks of one seed alone"
        told = "too few values for a bound"
        if outcome.gain is not None:
            ends = f"{outcome.gain.low:+.4g} to {outcome.gain.high:+.4g}"
            told = (
                f"variant {name} gains {outcome.gain.estimate:+.4g} on the full one "
                f"{self.study.full} ({ends}, each end one-sided at 95 %) and may lose {allowed:.4g}"
            )
        return gain, outcome.ok, f"{outcome.standing} over {over} at {steps} inner steps: {told}"

    def _rival(
        self, name: str, steps: int, gain: Interval | None, not_worse: bool | None = None
    ) -> Rival:
        ratio = self.times.of_task(name, steps)
        return Rival(name, self.study.known_as[name], gain, ratio, not_worse)


def _point(variant: str, steps: int) -> Point:
    return {"variant": variant, "inner_steps": steps}
