"""What changed between runs: each pair's ratios in the first one and in every other.

A ratio is formed inside one run, from interleaved rounds, so the machine's drift between the runs
has fallen out of it; seconds of different days are shown and never judged. A ratio of times changed
if its intervals, each of enough rounds, lie apart by more than the larger noise floor of the two
runs. Counts are compared exactly. A pair of a baseline with itself shows the noise: it is never
judged. Nor are pairs that share nothing but a name, as where one of them has other settings.

The exit code is the first of these that applies, of several runs to any of them:

    4   the runs share no pair
    6   a gradient check that passed before fails now
    1   something is worse
    5   the runs come from different environments
    4   nothing could be compared
    3   inconclusive: what could be compared had too few rounds, or noise of unknown size
    0   none of these: something was compared, and nothing is worse
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.declare.measures import MEASURES
from harness.declare.pair import MEMBERS, settings_words
from harness.declare.point import words_of
from harness.errors import ELSEWHERE, INCONCLUSIVE, MISMATCH, NOTHING, PASSED, REGRESSED
from harness.judge.judged_run import JudgedRun, Unlike, differences
from harness.judge.judgement import Judgement, Ratio
from harness.judge.noise.pair_noise import Noise
from harness.judge.statistics import MIN_ROUNDS, MIN_SEEDS, Bounds, Interval

GRAVEST_FIRST = (MISMATCH, REGRESSED, ELSEWHERE, NOTHING, INCONCLUSIVE, PASSED)

EXACT = frozenset({Bounds.COUNTED, Bounds.INHERITED})  # intervals that rest on no sample

Word = Literal["better", "worse", "same", "too few rounds", "noise unknown", "A/A", "not compared"]
JUDGED: frozenset[Word] = frozenset({"better", "worse", "same"})
UNDECIDED: frozenset[Word] = frozenset({"too few rounds", "noise unknown"})


@dataclass(frozen=True)
class Change:
    """One measure of one pair, in both runs."""

    pair: str
    measure: str
    before: Ratio
    after: Ratio
    word: Word
    reason: str | None = None  # why nothing was decided
    point: str = ""  # of the pair's sweep, as words


@dataclass(frozen=True)
class Mismatch:
    """A learner whose gradient check passed before and fails now, and the case it fails at."""

    learner: str
    settings: str
    case: str | None

    def __str__(self) -> str:
        who = f"{self.learner} {self.settings}".rstrip()
        return f"the gradient check of {who}{f' at {self.case}' if self.case else ''}"


@dataclass(frozen=True)
class Comparison:
    """All that changed, and how the runs' environments differ."""

    changes: tuple[Change, ...]
    mismatches: tuple[Mismatch, ...]  # whose gradient check passed before and fails now, and where
    environment: tuple[str, ...]  # "cpu: this, then that"
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    share_a_pair: bool = True

    @property
    def unjudged(self) -> tuple[Change, ...]:
        """What was to be judged and was not, for a reason that is known."""
        return tuple(
            change
            for change in self.changes
            if change.word not in JUDGED and change.word != "A/A" and change.reason
        )

    @property
    def exit_code(self) -> int:
        words = {change.word for change in self.changes}
        if not self.share_a_pair:
            return NOTHING
        if self.mismatches:
            return MISMATCH
        if "worse" in words:
            return REGRESSED
        if self.environment:
            return ELSEWHERE
        if words & JUDGED:
            return PASSED
        return INCONCLUSIVE if words & UNDECIDED else NOTHING


@dataclass(frozen=True)
class Compared:
    """Runs beside the first of them."""

    first: JudgedRun
    others: tuple[tuple[JudgedRun, Comparison], ...]

    @property
    def runs(self) -> tuple[JudgedRun, ...]:
        return (self.first, *(run for run, _ in self.others))

    @property
    def exit_code(self) -> int:
        found = {comparison.exit_code for _, comparison in self.others}
        return next(code for code in GRAVEST_FIRST if code in found)


def compare_all(first: JudgedRun, *others: JudgedRun) -> Compared:
    """Set every other run beside the first."""
    return Compared(first, tuple((run, compare(first, run)) for run in others))


def compare(before: JudgedRun, after: JudgedRun) -> Comparison:
    """Set the pairs of two runs side by side."""
    then, now = _by_name(before.judgement), _by_name(after.judgement)
    environment = differences(before.environment, after.environment)
    noises, unlike = (before.noises, after.noises), Unlike.of(before, after)
    aa = {pair.name for run in (before, after) for pair in run.manifest.suite.pair if pair.is_aa}
    changes = []
    for name in (name for name in then if name in now):
        pair, measure, point = name
        ratios = then[name], now[name]
        word: Word
        reason: str | None
        if pair in aa:
            word, reason = "A/A", "both members are the same"
        elif why := unlike.why(pair, measure):
            word, reason = "not compared", why
        else:
            word, reason = _decide(*ratios, [each.of_pair(pair) for each in noises], environment)
        changes.append(Change(pair, measure, *ratios, word, reason, point))
    pairs, pairs_now = ({pair.name for pair in r.manifest.suite.pair} for r in (before, after))
    return Comparison(
        changes=tuple(changes),
        mismatches=mismatches(before.judgement, after.judgement),
        environment=environment,
        only_before=_missing(then, now),
        only_after=_missing(now, then),
        share_a_pair=not pairs.isdisjoint(pairs_now),
    )


def _decide(
    before: Ratio, after: Ratio, noises: Sequence[Noise], environment: Sequence[str]
) -> tuple[Word, str | None]:
    """Return the word for a change, and why if it decides nothing."""
    then, now = before.interval, after.interval
    if then is None or now is None:
        return "not compared", after.reason or before.reason
    if environment and {then.method, now.method} != {Bounds.COUNTED}:
        return "not compared", "the runs come from different environments"
    return decide_change(before.measure, then, now, noises)


def decide_change(
    measure: str, then: Interval, now: Interval, noises: Sequence[Noise]
) -> tuple[Word, str | None]:
    """Return whether a measure's second interval is better or worse, or why that is unknown."""
    row = MEASURES.of(measure)
    what, least = ("rounds", MIN_ROUNDS)
    if row is not None and row.over_seeds:
        what, least = ("seeds", MIN_SEEDS)
    exact = {then.method, now.method} <= EXACT
    if not exact and min(then.n, now.n) < least:
        return "too few rounds", f"both runs need {least} {what} to judge a change"
    floor = 0.0
    if MEASURES.nature(measure) == "clock":
        floors = [noise.floor_of(measure) for noise in noises]
        known = [each for each in floors if each is not None]
        if len(known) < len(floors):
            runs = [
                run for run, each in zip(("first", "second"), floors, strict=True) if each is None
            ]
            return "noise unknown", (
                f"no baseline beside itself in the {' and the '.join(runs)} run has the "
                f"{MIN_ROUNDS} rounds that tell how large the noise is"
            )
        floor = max(known)
    if now.low > then.high * (1 + floor):
        return "better", None
    return ("worse" if now.high * (1 + floor) < then.low else "same"), None


def mismatches(before: Judgement, after: Judgement) -> tuple[Mismatch, ...]:
    """Return the checks that passed before and fail now, each learner's once."""
    passed = {who for who, (outcome, _) in _checks(before).items() if outcome is True}
    return tuple(
        Mismatch(*who, case)
        for who, (outcome, case) in _checks(after).items()
        if outcome is False and who in passed
    )


def _checks(judgement: Judgement) -> dict[tuple[str, str], tuple[bool | None, str | None]]:
    """Return by learner and settings whether the check passed, and its worst case."""
    return {
        (check.learner, settings_words(dict(judged.pair.learner_settings(member)))): (
            check.passed,
            check.worst_case,
        )
        for judged in judgement.pairs
        for member, check in zip(MEMBERS, judged.checks, strict=False)  # none where none was asked
    }


Name = tuple[str, str, str]
"""A pair, a measure, and the point of the pair's sweep, as words."""


def _by_name(judgement: Judgement) -> dict[Name, Ratio]:
    return {
        (judged.pair.name, str(ratio.measure), words_of(ratio.point)): ratio
        for judged in judgement.pairs
        for ratio in (*judged.ratios, *(gain for gain in judged.gains if gain.interval))
    }


def _missing(here: dict[Name, Ratio], there: dict[Name, Ratio]) -> tuple[str, ...]:
    """Return what stands here alone: a pair, or one of its measures where both have the pair."""
    pairs = {name[0] for name in there}
    missing = (name if name[0] in pairs else name[:1] for name in here if name not in there)
    return tuple(dict.fromkeys(", ".join(filter(None, name)) for name in missing))
