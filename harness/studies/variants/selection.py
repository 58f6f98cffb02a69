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

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from harness.declare.pair import Pair
from harness.judge.choosing import Candidates
from harness.judge.judgement import Quality
from harness.judge.quality.accuracy import accuracy, non_inferior
from harness.judge.statistics import Interval
from harness.studies.variants.evidence import Study
from harness.studies.variants.finding import Best, Choice, Rival, Selection
from harness.studies.variants.ratios import Ratios
from harness.studies.variants.rows import baseline_row, method_rows

TAUS = (0.0, 0.005, 0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Selector:
    """Chooses among the variants of a study, and compares what it chose with the full one.

    train_steps  of every variant's training, which are the same, if they are known
    """

    study: Study
    pair: Pair
    margin: float
    train_steps: int | None = None

    @cached_property
    def times(self) -> Ratios:
        return Ratios(self.study, self.pair)

    @property
    def selection(self) -> Selection:
        """All that was chosen, at every loss that may be allowed."""
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
            means=study.means,
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
            baseline_steps=self.train_steps,
            method_steps=self.train_steps,
        )

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
            f"the full variant {study.full} itself changes by {outcome.gain.estimate:+.4g} from "
            f"the {trained} inner steps of its training to {steps} "
            f"({outcome.gain.low:+.4g} to {outcome.gain.high:+.4g}, each end one-sided at 95 %), "
            f"while {allowed:.4g} may be lost: losing little against it shows little"
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
            return gain, None, "a margin of 0 cannot be tested"
        outcome = candidates.not_worse(name, allowed)
        over = f"{outcome.seeds} seeds" if outcome.by_seeds else "the tasks of a single seed"
        told = "too few values for a bound"
        if outcome.gain is not None:
            ends = f"{outcome.gain.low:+.4g} to {outcome.gain.high:+.4g}"
            told = (
                f"variant {name} gains {outcome.gain.estimate:+.4g} over the full one "
                f"{self.study.full} ({ends}, each end one-sided at 95 %) and may lose {allowed:.4g}"
            )
        return gain, outcome.ok, f"{outcome.standing} over {over} at {steps} inner steps: {told}"

    def _rival(
        self, name: str, steps: int, gain: Interval | None, not_worse: bool | None = None
    ) -> Rival:
        ratio = self.times.of_task(name, steps)
        return Rival(name, self.study.known_as[name], gain, ratio, not_worse)
