from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.judge.verdicts import POSITIVE, Decision, Word, decide

# A grid makes ends meet the published value, 1 and the floor exactly; the rest is drawn freely.
ratios = st.integers(1, 16).map(lambda quarter: quarter / 4) | st.floats(0.01, 20)
claims = st.integers(5, 16).map(lambda quarter: quarter / 4) | st.floats(1.0001, 20)
floors = st.sampled_from([0.0, 0.25, 0.5]) | st.floats(0, 2)

# From the worst for a claim to the best. "inconclusive" and "smaller" are different answers to the
# same place: the first does not exclude the published value, the second does not exclude 1.
RANK = {
    Word.REVERSED: 0,
    Word.NONE: 1,
    Word.INCONCLUSIVE: 2,
    Word.SMALLER: 2,
    Word.CONSISTENT: 3,
    Word.MET: 4,
}


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, estimate, high = sorted(draw(st.lists(ratios, min_size=3, max_size=3)))
    return Interval(estimate, low, high, 12, "drawn")


@dataclass(frozen=True)
class Facts:
    noise_floor: float | None
    aa_ok: bool | None
    rounds: int
    equivalence_ok: bool | None
    quality_ok: bool | None
    missing: str | None


answers = st.sampled_from([True, False, None])
facts = st.builds(
    Facts,
    st.none() | floors,
    answers,
    st.integers(0, 30),
    answers,
    answers,
    st.sampled_from([None, None, "4 GPUs"]),
)


def word(ratio: Interval, published: float, noise_floor: float = 0.0) -> Word:
    return judged(ratio, published, Facts(noise_floor, True, 12, True, True, None)).word


def judged(ratio: Interval | None, published: float, known: Facts) -> Decision:
    return decide(ratio, published, **dataclasses.asdict(known))


@given(intervals(), claims)
def test_without_noise_the_words_are_the_protocols_table(ratio: Interval, p: float) -> None:
    low, high = ratio.low, ratio.high
    table = {
        Word.MET: low >= p,
        Word.CONSISTENT: 1 < low < p <= high,
        Word.SMALLER: 1 < low <= high < p,
        Word.NONE: low <= 1 and high < p and not high < 1,
        Word.REVERSED: high < 1,
        Word.INCONCLUSIVE: low <= 1 <= high and low <= p <= high,
    }
    assert [name for name, applies in table.items() if applies] == [word(ratio, p)]


@given(intervals(), claims, floors)
def test_a_word_that_calls_an_effect_real_has_an_interval_beyond_the_floor(
    ratio: Interval, p: float, floor: float
) -> None:
    real = word(ratio, p, floor)
    if real in POSITIVE:
        assert ratio.low > 1 + floor
    if real is Word.REVERSED:
        assert ratio.high < 1 - floor
    if real in POSITIVE | {Word.REVERSED}:
        assert real is word(ratio, p)


@given(intervals(), claims, floors, floors)
def test_more_noise_never_makes_an_effect_real(
    ratio: Interval, p: float, one: float, other: float
) -> None:
    real = POSITIVE | {Word.REVERSED}
    quiet, noisy = word(ratio, p, min(one, other)), word(ratio, p, max(one, other))
    assert noisy is quiet or (quiet in real and noisy not in real)


@given(intervals(), claims, floors, st.floats(1, 3))
def test_a_larger_ratio_never_ranks_lower(
    ratio: Interval, p: float, floor: float, factor: float
) -> None:
    larger = Interval(
        factor * ratio.estimate, factor * ratio.low, factor * ratio.high, ratio.n, ratio.method
    )
    assert RANK[word(larger, p, floor)] >= RANK[word(ratio, p, floor)]


@given(intervals(), claims, claims, floors)
def test_a_larger_claim_never_ranks_higher(
    ratio: Interval, one: float, other: float, floor: float
) -> None:
    modest, bold = word(ratio, min(one, other), floor), word(ratio, max(one, other), floor)
    assert RANK[bold] <= RANK[modest]


@given(intervals(), claims, floors, st.floats(1, 3), st.floats(1, 3))
def test_a_wider_interval_never_says_more(
    ratio: Interval, p: float, floor: float, down: float, up: float
) -> None:
    wide = Interval(ratio.estimate, ratio.low / down, ratio.high * up, ratio.n, ratio.method)
    weaker = {
        Word.MET: {Word.MET, Word.CONSISTENT, Word.INCONCLUSIVE},
        Word.CONSISTENT: {Word.CONSISTENT, Word.INCONCLUSIVE},
        Word.SMALLER: {Word.SMALLER, Word.CONSISTENT, Word.NONE, Word.INCONCLUSIVE},
        Word.NONE: {Word.NONE, Word.INCONCLUSIVE},
        Word.REVERSED: {Word.REVERSED, Word.NONE, Word.INCONCLUSIVE},
        Word.INCONCLUSIVE: {Word.INCONCLUSIVE},
    }
    assert word(wide, p, floor) in weaker[word(ratio, p, floor)]


@given(st.none() | intervals(), claims, facts)
def test_every_case_gets_the_word_that_comes_first(
    ratio: Interval | None, p: float, known: Facts
) -> None:
    decision = judged(ratio, p, known)
    doubtful = (
        ratio is None
        or known.equivalence_ok is None
        or not known.aa_ok
        or known.noise_floor is None
        or known.rounds < MIN_ROUNDS
    )
    if known.missing is not None:
        expected = Word.NOT_TESTABLE
    elif known.equivalence_ok is False or known.quality_ok is False:
        expected = Word.INVALID
    elif doubtful:
        expected = Word.INCONCLUSIVE
    else:
        assert ratio is not None
        assert known.noise_floor is not None
        expected = word(ratio, p, known.noise_floor)
        if expected in POSITIVE and known.quality_ok is None:
            expected = Word.INCONCLUSIVE
    assert decision.word is expected


@given(facts)
def test_a_gain_is_granted_only_where_everything_was_shown(known: Facts) -> None:
    beyond_any_floor = Interval(4, 3.5, 5, 12, "made up")
    shown = (
        known.missing is None
        and known.equivalence_ok is True
        and known.quality_ok is True
        and known.aa_ok is True
        and known.noise_floor is not None
        and known.rounds >= MIN_ROUNDS
    )
    assert (judged(beyond_any_floor, 2.0, known).word in POSITIVE) == shown


@given(st.none() | intervals(), claims, facts)
def test_a_reason_is_one_sentence(ratio: Interval | None, p: float, known: Facts) -> None:
    reason = judged(ratio, p, known).reason
    assert reason[0].isupper()
    assert reason.endswith(".")
    assert ". " not in reason
