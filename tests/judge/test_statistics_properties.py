from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.statistics import (
    MIN_ROUNDS,
    Interval,
    geometric_mean,
    noise_floor,
    paired_ratio,
    performance_profile,
)

times = st.floats(1e-6, 1e6)
# Few different values, so that ties and degenerate samples are drawn often.
coarse = st.sampled_from([0.5, 1.0, 1.5, 2.0])
samples = st.dictionaries(st.integers(0, 30), coarse | times, min_size=1, max_size=20)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, estimate, high = sorted(draw(st.lists(st.floats(0.01, 100), min_size=3, max_size=3)))
    return Interval(estimate, low, high, draw(st.integers(1, 50)), "drawn")


@settings(deadline=None, max_examples=60)
@given(samples, samples)
def test_an_interval_lies_within_the_ratios_whatever_the_sample(
    baseline: dict[int, float], method: dict[int, float]
) -> None:
    shared = baseline.keys() & method.keys()
    if not shared:
        with pytest.raises(ValueError, match="share no key"):
            paired_ratio(baseline, method)
        return
    ratios = [baseline[key] / method[key] for key in shared]
    ratio = paired_ratio(baseline, method)
    # Interpolating between two equal values may be off by their last bit.
    least, most = min(ratios) * (1 - 1e-12), max(ratios) * (1 + 1e-12)
    assert least <= ratio.low <= ratio.estimate <= ratio.high <= most
    assert ratio.n == len(shared)
    assert 2 * ratio.n + ratio.dropped == len(baseline) + len(method)


@settings(deadline=None, max_examples=30)
@given(samples, st.sampled_from([0.25, 2.0, 1024.0]))
def test_a_change_of_unit_changes_nothing(baseline: dict[int, float], unit: float) -> None:
    method = {key: 1.0 + key for key in baseline}
    seconds = paired_ratio(baseline, method)
    others = paired_ratio(
        {key: unit * value for key, value in baseline.items()},
        {key: unit * value for key, value in method.items()},
    )
    assert others == seconds


@given(st.lists(intervals(), min_size=1, max_size=8))
def test_a_geometric_mean_stays_among_its_parts(ratios: list[Interval]) -> None:
    mean = geometric_mean(ratios)
    slack = 1 + 1e-9
    assert min(r.estimate for r in ratios) <= mean.estimate * slack
    assert mean.estimate <= max(r.estimate for r in ratios) * slack
    assert min(r.low for r in ratios) <= mean.low * slack
    assert mean.high <= max(r.high for r in ratios) * slack


@given(st.lists(intervals(), min_size=1, max_size=6))
def test_the_mean_of_inverted_ratios_is_the_inverted_mean(ratios: list[Interval]) -> None:
    inverted = [Interval(1 / r.estimate, 1 / r.high, 1 / r.low, r.n, "inverted") for r in ratios]
    mean, other = geometric_mean(ratios), geometric_mean(inverted)
    assert (1 / other.estimate, 1 / other.high, 1 / other.low) == pytest.approx(
        (mean.estimate, mean.low, mean.high)
    )


@given(
    st.dictionaries(
        st.sampled_from("ABC"),
        st.dictionaries(st.integers(0, 5), st.none() | coarse, min_size=1),
        min_size=1,
    ),
    st.lists(st.floats(1, 10), min_size=1, max_size=5).map(sorted),
)
def test_a_profile_rises_to_the_share_that_its_solver_solved(
    times: dict[str, dict[int, float | None]], taus: list[float]
) -> None:
    profile = performance_profile(times, [*taus, 1e6])
    problems = {problem for row in times.values() for problem in row}
    assert profile.problems == len(problems)
    for solver, shares in profile.shares.items():
        assert list(shares) == sorted(shares)
        solved = sum(time is not None for time in times[solver].values())
        assert shares[-1] == solved / len(problems)


@given(
    st.dictionaries(
        st.sampled_from("ABC"), st.dictionaries(st.integers(0, 5), coarse), min_size=1
    ).filter(lambda times: any(times.values()))
)
def test_somebody_is_best_on_every_problem_that_was_solved(
    times: dict[str, dict[int, float]],
) -> None:
    profile = performance_profile(times, [1])
    assert sum(shares[0] for shares in profile.shares.values()) >= 1 - 1e-9


@given(intervals())
def test_no_end_of_the_a_a_interval_is_farther_from_one_than_the_floor(aa: Interval) -> None:
    floor = noise_floor(aa)
    assert abs(aa.low - 1) <= floor
    assert abs(aa.high - 1) <= floor
    assert floor in (abs(aa.low - 1), abs(aa.high - 1))


@given(
    st.dictionaries(
        st.sampled_from("ABC"), st.dictionaries(st.integers(0, 5), times, min_size=1), min_size=1
    )
)
def test_a_solvers_share_is_full_at_its_own_largest_ratio(
    solvers: dict[str, dict[int, float]],
) -> None:
    problems = {problem for row in solvers.values() for problem in row}
    best = {p: min(row[p] for row in solvers.values() if p in row) for p in problems}
    for solver, row in solvers.items():
        largest = max(row[problem] / best[problem] for problem in row)
        shares = performance_profile(solvers, [largest]).shares[solver]
        assert shares == (len(row) / len(problems),)


@given(
    st.dictionaries(st.integers(0, 30), times, min_size=2, max_size=MIN_ROUNDS - 1),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_too_few_ratios_have_their_span_for_bounds(
    baseline: dict[int, float], confidence: float
) -> None:
    ratio = paired_ratio(baseline, dict.fromkeys(baseline, 1.0), confidence=confidence)
    assert (ratio.low, ratio.high) == (min(baseline.values()), max(baseline.values()))
