"""From a measured ratio and what is known about it to one word and one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from harness.judge.statistics import MIN_ROUNDS, MIN_SEEDS, Interval

WORTHWHILE = 50
"""So many times as many rounds, at most, are worth telling of: nobody would wait for more."""


class Word(StrEnum):
    """The words that a verdict may use."""

    MET = "met"
    CONSISTENT = "consistent"
    SMALLER = "smaller"
    NONE = "none"
    REVERSED = "reversed"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured here"
    NOT_TESTABLE = "not testable here"
    INVALID = "invalid"


# The words that grant a real gain. They need accuracy that was shown not to be worse.
POSITIVE = frozenset({Word.MET, Word.CONSISTENT, Word.SMALLER})


class Rule(StrEnum):
    """What decided: with the interval [lo, hi], the published ratio p and the noise floor f.

    Of a gain in quality p is the difference that is asked for, and f is 0 with 0 in place of 1.
    """

    NOT_LOOKED_AT = "the suite does not measure the quantity that the claim is about"
    ABSENT = "something that the claim needs is missing"
    FAILED = "the gradient check or the accuracy condition failed"
    BASELINE = "the baseline does not match its published accuracy"
    NOTHING = "nothing comparable was measured"
    UNCHECKED = "the gradient check gave no result"
    NO_FLOOR = "the noise floor is unknown"
    NOISE = "the A/A pair failed"
    FEW = "there are too few rounds, or seeds"
    REVERSED = "hi < 1 - f"
    MET = "1 + f < lo and p <= lo"
    CONSISTENT = "1 + f < lo < p <= hi"
    SMALLER = "1 + f < lo and hi < p"
    NONE = "lo <= 1 + f and 1 - f <= hi < p"
    OPEN = "lo <= 1 + f and p <= hi"
    GAIN_REVERSED = "hi < 0"
    GAIN_MET = "0 < lo and p <= lo"
    GAIN_CONSISTENT = "0 < lo < p <= hi"
    GAIN_SMALLER = "0 < lo and hi < p"
    GAIN_NONE = "lo <= 0 <= hi < p"
    GAIN_OPEN = "lo <= 0 and p <= hi"
    ACCURACY_OPEN = "a gain would be granted, but accuracy is undecided"
    BOUND = "the ratio is only a bound on the side that decides"
    UNPROVEN = "a gain would be granted, but what it is compared with is in doubt"


@dataclass(frozen=True)
class Decision:
    """A verdict's word, the sentence that explains it, and the rule that applied."""

    word: Word
    reason: str
    rule: Rule


def decide(
    ratio: Interval | None,
    published: float,
    *,
    noise_floor: float | None,
    aa_ok: bool | None,
    rounds: int,
    equivalence_ok: bool | None,
    quality_ok: bool | None,
    missing: str | None,
    counted: bool = False,
    unit: str = "rounds",
) -> Decision:
    """Judge a published ratio by a measured one; both are baseline over method, higher is better.

    The first of these that applies decides:

    1. not testable here   something that the claim needs is missing
    2. invalid             the gradient check or the accuracy condition failed
    3. inconclusive        nothing was measured, the gradient check is unknown, A/A failed or is
                           unknown, there is no noise floor, or there were too few rounds
    4. the table           by the interval, as below
    5. inconclusive        the table grants a gain, but accuracy is undecided or unknown. The words
                           that deny a gain stand: a method that is not faster is not rescued by
                           its accuracy

    In the table an end of the interval counts as apart from 1 only if it clears 1 by more than the
    noise floor, so that every effect the interval allows is above the floor. With that,
    "reversed" asks whether the whole interval lies below 1, then "met", "consistent" and "smaller"
    whether it lies above 1 and where the published value falls. What is left cannot be told
    from 1: it is "none" if the published value is excluded, or else "inconclusive".

    A None in equivalence_ok, quality_ok or aa_ok means that it is unknown or undecided. `counted`
    says that the values are counts which repeat exactly (bytes, operations): if the interval is
    indeed a point, neither rounds nor noise are asked for. `unit` says what the interval is over:
    steps to a target have one value a seed.
    """
    _validate(ratio, published, noise_floor, missing)
    if missing is not None:
        return not_testable(missing)
    if failed := _failed(equivalence_ok, quality_ok):
        return Decision(Word.INVALID, failed, Rule.FAILED)
    if ratio is None:
        return Decision(Word.INCONCLUSIVE, "Nothing comparable was measured.", Rule.NOTHING)
    told = _figures(ratio, rounds, unit)
    if equivalence_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{told}, but it is unknown whether both did the same work: the gradient check gave "
            "no result.",
            Rule.UNCHECKED,
        )
    if counted and ratio.low == ratio.high:
        noise_floor = 0.0
    elif doubt := _doubt(told, noise_floor, aa_ok, rounds, unit):
        return doubt
    assert noise_floor is not None  # _doubt has a word about it
    decision = _read_table(ratio, published, noise_floor, rounds, unit)
    if decision.word in POSITIVE and quality_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{told}, which would be {decision.word!s}, but it was not shown that accuracy is not "
            "worse.",
            Rule.ACCURACY_OPEN,
        )
    return decision


def decide_gain(
    gain: Interval | None,
    asked: float,
    *,
    seeds: int,
    equivalence_ok: bool | None,
    missing: str | None,
) -> Decision:
    """Judge a claim that quality is better by a measured difference, in the metric's own unit.

    The words are those of a ratio, with 0 in the place of 1. No clock plays a part, and what was
    gained is the quality itself: neither noise nor a condition on accuracy is asked for. What takes
    the place of rounds is seeds, since each of them is a training.
    """
    if missing is not None:
        return not_testable(missing)
    if failed := _failed(equivalence_ok, None):
        return Decision(Word.INVALID, failed, Rule.FAILED)
    if gain is None:
        return Decision(Word.INCONCLUSIVE, "Nothing comparable was measured.", Rule.NOTHING)
    told = f"Gained {gain.estimate:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
    if equivalence_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{told}, but it is unknown whether both did the same work: the gradient check gave "
            "no result.",
            Rule.UNCHECKED,
        )
    if seeds < MIN_SEEDS:
        over = f"over {seeds} seed{'s' * (seeds != 1)}"
        return Decision(
            Word.INCONCLUSIVE,
            f"{told} {over}, but a verdict on quality needs at least {MIN_SEEDS} seeds.",
            Rule.FEW,
        )
    target = f"the required {asked:g}"
    if gain.high < 0:
        reason = f"{told}: the quality is worse than the baseline's."
        return Decision(Word.REVERSED, reason, Rule.GAIN_REVERSED)
    if gain.low > 0 and gain.low >= asked:
        reason = f"{told}: even the lower end reaches {target}."
        return Decision(Word.MET, reason, Rule.GAIN_MET)
    if gain.low > 0 and gain.high >= asked:
        reason = f"{told}: a real gain, and the interval contains {target}."
        return Decision(Word.CONSISTENT, reason, Rule.GAIN_CONSISTENT)
    if gain.low > 0:
        reason = f"{told}: a real gain, but less than {target}."
        return Decision(Word.SMALLER, reason, Rule.GAIN_SMALLER)
    if gain.high < asked:
        reason = f"{told}: no gain was shown, and the interval excludes {target}."
        return Decision(Word.NONE, reason, Rule.GAIN_NONE)
    below, above = gain.estimate - gain.low, gain.high - gain.estimate
    more = _what_would_tell(seeds, "seeds", (below, gain.estimate), (above, asked - gain.estimate))
    reason = f"{told}: the interval contains both no gain and {target}; {more}."
    return Decision(Word.INCONCLUSIVE, reason, Rule.GAIN_OPEN)


def not_testable(missing: str) -> Decision:
    """Say what the claim needs and this run lacks."""
    reason = f"The claim needs something that is missing here: {missing.rstrip('. ')}."
    return Decision(Word.NOT_TESTABLE, reason, Rule.ABSENT)


def not_measured(what: str) -> Decision:
    """Say what the suite did not look at, though it could have."""
    return Decision(Word.NOT_MEASURED, f"The suite does not measure {what}.", Rule.NOT_LOOKED_AT)


def _validate(
    ratio: Interval | None, published: float, noise_floor: float | None, missing: str | None
) -> None:
    if not (math.isfinite(published) and published > 1):
        raise ValueError(f"a published ratio must be above 1, got {published!r}")
    if noise_floor is not None and not (math.isfinite(noise_floor) and noise_floor >= 0):
        raise ValueError(f"a noise floor must be at least 0, got {noise_floor!r}")
    if ratio is not None and ratio.low <= 0:
        raise ValueError(f"a ratio must be above 0, got an interval from {ratio.low!r}")
    if missing is not None and not missing.strip():
        raise ValueError("missing must name what is missing, or be None")


def _failed(equivalence_ok: bool | None, quality_ok: bool | None) -> str | None:
    if equivalence_ok is False and quality_ok is False:
        return "The gradient check failed and accuracy is worse than the margin allows."
    if equivalence_ok is False:
        return "The gradient check failed: the method does not compute what it claims to."
    if quality_ok is False:
        return "Accuracy is worse than the baseline's by more than the margin allows."
    return None


def _doubt(
    measured: str, noise_floor: float | None, aa_ok: bool | None, rounds: int, unit: str
) -> Decision | None:
    if aa_ok is False:
        reason = (
            f"{measured}, but the noise test failed: a baseline measured against itself must give "
            f"1.00 within its interval, over at least {MIN_ROUNDS} rounds."
        )
        return Decision(Word.INCONCLUSIVE, reason, Rule.NOISE)
    if rounds < MIN_ROUNDS:
        reason = f"{measured}, but a verdict needs at least {MIN_ROUNDS} {unit}."
        return Decision(Word.INCONCLUSIVE, reason, Rule.FEW)
    if aa_ok is None or noise_floor is None:
        reason = (
            f"{measured}, but no baseline was timed beside itself, which says how large the noise "
            "is."
        )
        return Decision(Word.INCONCLUSIVE, reason, Rule.NO_FLOOR)
    return None


def _read_table(
    ratio: Interval, published: float, noise_floor: float, rounds: int, unit: str
) -> Decision:
    measured = _figures(ratio, rounds, unit)
    target = f"the published {_number(published)}"
    floor = f"the noise floor of {100 * noise_floor:.2g} %"
    if ratio.high < 1 - noise_floor:
        reason = f"{measured}: the method is worse than the baseline, beyond {floor}."
        return Decision(Word.REVERSED, reason, Rule.REVERSED)
    if ratio.low > 1 + noise_floor:
        if ratio.low >= published:
            reason = f"{measured}: even the lower end reaches {target}."
            return Decision(Word.MET, reason, Rule.MET)
        if ratio.high >= published:
            reason = f"{measured}: a real gain, beyond {floor}, and the interval contains {target}."
            return Decision(Word.CONSISTENT, reason, Rule.CONSISTENT)
        reason = f"{measured}: a real gain, beyond {floor}, but less than {target}."
        return Decision(Word.SMALLER, reason, Rule.SMALLER)
    if ratio.high < published:
        reason = f"{measured}: no gain beyond {floor}, and the interval excludes {target}."
        return Decision(Word.NONE, reason, Rule.NONE)
    low, middle, high = map(math.log, (ratio.low, ratio.estimate, ratio.high))
    clears = (middle - low, middle - math.log(1 + noise_floor))
    more = _what_would_tell(rounds, unit, clears, (high - middle, math.log(published) - middle))
    reason = f"{measured}: the interval reaches {target} but does not clear {floor}; {more}."
    return Decision(Word.INCONCLUSIVE, reason, Rule.OPEN)


def _what_would_tell(taken: int, unit: str, *ends: tuple[float, float]) -> str:
    """Say how many rounds or seeds would decide, each end being so wide and allowed to be so wide.

    An interval narrows as the root of their number grows; how noisy they are does not change.
    """
    factors = [(width / allowed) ** 2 for width, allowed in ends if allowed > 0]
    factor = min(factors, default=math.inf)
    if factor > WORTHWHILE:
        return f"even {WORTHWHILE} times as many {unit} would hardly tell"
    return f"about {math.ceil(taken * factor)} {unit} as noisy as these would tell"


def _figures(ratio: Interval, rounds: int, unit: str) -> str:
    over = f"{rounds} {unit if rounds != 1 else unit.removesuffix('s')}"
    ends = f"{_number(ratio.low)} to {_number(ratio.high)}"
    return f"Measured {_number(ratio.estimate)} ({ends}, {over})"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
