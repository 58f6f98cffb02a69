"""From a measured ratio and what is known about it to one word and one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from harness.judge.statistics import MIN_ROUNDS, MIN_SEEDS, Interval


class Word(StrEnum):
    """The words that a verdict may use."""

    MET = "met"
    CONSISTENT = "consistent"
    SMALLER = "smaller"
    NONE = "none"
    REVERSED = "reversed"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"
    INVALID = "invalid"


# The words that grant a real gain. They need accuracy that was shown not to be worse.
POSITIVE = frozenset({Word.MET, Word.CONSISTENT, Word.SMALLER})


@dataclass(frozen=True)
class Decision:
    """A verdict's word and the sentence that explains it."""

    word: Word
    reason: str


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
    indeed a point, neither rounds nor noise are asked for.
    """
    _validate(ratio, published, noise_floor, missing)
    if missing is not None:
        absent = missing.rstrip(". ")
        return Decision(Word.NOT_TESTABLE, f"The claim needs what is absent here: {absent}.")
    if failed := _failed(equivalence_ok, quality_ok):
        return Decision(Word.INVALID, failed)
    if ratio is None:
        return Decision(Word.INCONCLUSIVE, "Nothing was measured that could be compared.")
    if equivalence_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{_figures(ratio, rounds)}, but whether both did the same work is unknown: the "
            "gradient check gave no result.",
        )
    if counted and ratio.low == ratio.high:
        noise_floor = 0.0
    elif doubt := _doubt(ratio, noise_floor, aa_ok, rounds):
        return Decision(Word.INCONCLUSIVE, doubt)
    assert noise_floor is not None  # _doubt has a word about it
    decision = _read_table(ratio, published, noise_floor, rounds)
    if decision.word in POSITIVE and quality_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{_figures(ratio, rounds)}, which would be {decision.word!s}, but that accuracy is "
            "not worse has not been shown.",
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
        absent = missing.rstrip(". ")
        return Decision(Word.NOT_TESTABLE, f"The claim needs what is absent here: {absent}.")
    if failed := _failed(equivalence_ok, None):
        return Decision(Word.INVALID, failed)
    if gain is None:
        return Decision(Word.INCONCLUSIVE, "Nothing was measured that could be compared.")
    told = f"Gained {gain.estimate:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
    if equivalence_ok is None:
        return Decision(
            Word.INCONCLUSIVE,
            f"{told}, but whether both did the same work is unknown: the gradient check gave no "
            "result.",
        )
    if seeds < MIN_SEEDS:
        over = f"over {seeds} seed{'s' * (seeds != 1)}"
        return Decision(
            Word.INCONCLUSIVE,
            f"{told} {over}, but a verdict on quality needs at least {MIN_SEEDS} seeds.",
        )
    target = f"the {asked:g} asked for"
    if gain.high < 0:
        return Decision(Word.REVERSED, f"{told}: the quality is worse than the baseline's.")
    if gain.low >= asked:
        return Decision(Word.MET, f"{told}: even the lower end reaches {target}.")
    if gain.low > 0:
        reached = gain.high >= asked
        word = Word.CONSISTENT if reached else Word.SMALLER
        held = f"whose interval holds {target}" if reached else f"but less than {target}"
        return Decision(word, f"{told}: a real gain, {held}.")
    if gain.high < asked:
        return Decision(Word.NONE, f"{told}: no gain was shown, and {target} is excluded.")
    return Decision(Word.INCONCLUSIVE, f"{told}: the interval holds both no gain and {target}.")


def _validate(
    ratio: Interval | None, published: float, noise_floor: float | None, missing: str | None
) -> None:
    if not (math.isfinite(published) and published > 1):
        raise ValueError(f"a published ratio must be above 1, got {published!r}")
    if noise_floor is not None and not (math.isfinite(noise_floor) and noise_floor >= 0):
        raise ValueError(f"a noise floor is at least 0, got {noise_floor!r}")
    if ratio is not None and ratio.low <= 0:
        raise ValueError(f"a ratio lies above 0, got an interval from {ratio.low!r}")
    if missing is not None and not missing.strip():
        raise ValueError("say what is missing, or pass None")


def _failed(equivalence_ok: bool | None, quality_ok: bool | None) -> str | None:
    if equivalence_ok is False and quality_ok is False:
        return "The gradient check failed and accuracy is worse than the margin allows."
    if equivalence_ok is False:
        return "The gradient check failed: what was timed is not what the method claims to compute."
    if quality_ok is False:
        return "Accuracy is worse than the baseline's by more than the margin allows."
    return None


def _doubt(
    ratio: Interval, noise_floor: float | None, aa_ok: bool | None, rounds: int
) -> str | None:
    measured = _figures(ratio, rounds)
    if aa_ok is None or noise_floor is None:
        return f"{measured}, but no A/A pair says how large the noise is."
    if not aa_ok:
        return (
            f"{measured}, but the A/A pair failed: a baseline measured against itself must give "
            f"1.00 within its interval, over at least {MIN_ROUNDS} rounds."
        )
    if rounds < MIN_ROUNDS:
        return f"{measured}, but a verdict needs at least {MIN_ROUNDS} rounds."
    return None


def _read_table(ratio: Interval, published: float, noise_floor: float, rounds: int) -> Decision:
    measured = _figures(ratio, rounds)
    target = f"the published {_number(published)}"
    floor = f"the noise floor of {100 * noise_floor:.2g} %"
    if ratio.high < 1 - noise_floor:
        return Decision(
            Word.REVERSED, f"{measured}: the method is worse than the baseline, beyond {floor}."
        )
    if ratio.low > 1 + noise_floor:
        if ratio.low >= published:
            return Decision(Word.MET, f"{measured}: even the lower end reaches {target}.")
        if ratio.high >= published:
            return Decision(
                Word.CONSISTENT,
                f"{measured}: a real gain, beyond {floor}, whose interval holds {target}.",
            )
        return Decision(
            Word.SMALLER, f"{measured}: a real gain, beyond {floor}, but less than {target}."
        )
    if ratio.high < published:
        return Decision(
            Word.NONE, f"{measured}: no gain beyond {floor} was shown, and {target} is excluded."
        )
    return Decision(
        Word.INCONCLUSIVE, f"{measured}: the interval reaches {target} but does not clear {floor}."
    )


def _figures(ratio: Interval, rounds: int) -> str:
    ends = f"{_number(ratio.low)} to {_number(ratio.high)}"
    return f"Measured {_number(ratio.estimate)} ({ends}, {rounds} round{'s' * (rounds != 1)})"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
