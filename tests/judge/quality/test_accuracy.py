from __future__ import annotations

import math

import pytest
from scipy import stats

from harness.judge.quality.accuracy import Standing, accuracy, non_inferior

BASELINE = {seed: [0.5, 0.7, 0.9, 0.6] for seed in range(3)}


def shifted(*shifts: float) -> dict[int, list[float]]:
    return {seed: [value + shift for value in BASELINE[seed]] for seed, shift in enumerate(shifts)}


class TestAccuracy:
    def test_weighs_seeds_alike_however_many_tasks_each_has(self) -> None:
        assert accuracy({0: [1.0], 1: [0.0] * 9}).mean == 0.5

    def test_keeps_tasks_and_seeds_apart(self) -> None:
        # Seeds agree to the last digit; their tasks are coin flips.
        result = accuracy({seed: [0.0, 1.0] * 50 for seed in range(4)})
        assert result.over_seeds is not None
        assert result.over_tasks is not None
        assert result.over_seeds.low == result.over_seeds.high == 0.5
        # 1.966 standard errors of 0.0251 each
        assert result.over_tasks.high - 0.5 == pytest.approx(0.0494, abs=1e-4)
        assert (result.over_seeds.n, result.over_tasks.n) == (4, 400)

    def test_has_a_degree_of_freedom_less_for_each_seed(self) -> None:
        result = accuracy({0: [0.4, 0.6], 1: [0.4, 0.6]})
        assert result.over_tasks is not None
        # Student's 97.5 % point is 4.303 for two degrees of freedom; each mean's error is 0.1.
        assert result.over_tasks.high - 0.5 == pytest.approx(4.303 * 0.1 / 2**0.5, abs=1e-4)

    def test_sees_seeds_that_differ_although_their_tasks_do_not(self) -> None:
        result = accuracy({0: [0.4] * 9, 1: [0.6] * 9})
        assert result.over_seeds is not None
        assert result.over_tasks is not None
        assert result.over_tasks.low == pytest.approx(result.over_tasks.high)
        assert result.over_seeds.high - 0.5 == pytest.approx(12.706 * 0.1, abs=1e-4)

    def test_does_not_know_what_one_seed_or_one_task_cannot_tell(self) -> None:
        assert accuracy({0: [0.5, 0.6]}).over_seeds is None
        assert accuracy({0: [0.5], 1: [0.6]}).over_tasks is None

    def test_counts_a_task_once_that_all_seeds_have_alike(self) -> None:
        alike = {seed: [0.0, 1.0] * 50 for seed in range(4)}
        once = accuracy({0: [0.0, 1.0] * 50})
        result = accuracy(alike, same_tasks=True)
        assert result.over_tasks == once.over_tasks
        assert (result.tasks, result.seeds) == (100, 4)
        assert result.over_seeds == accuracy(alike).over_seeds

    def test_averages_a_shared_task_over_seeds_first(self) -> None:
        # Averaged, every task is half right; seeds know nothing of each other's luck.
        result = accuracy({0: [0.0, 1.0] * 8, 1: [1.0, 0.0] * 8}, same_tasks=True)
        assert result.over_tasks is not None
        assert result.over_tasks.low == result.over_tasks.high == 0.5

    @pytest.mark.parametrize("quality", [{}, {0: []}, {0: [math.nan]}, {0: [0.5], 1: [math.inf]}])
    def test_refuses_what_has_no_mean(self, quality: dict[int, list[float]]) -> None:
        with pytest.raises(ValueError, match="at least one"):
            accuracy(quality)


class TestNonInferiority:
    def test_calls_a_small_loss_within_the_margin_not_worse(self) -> None:
        result = non_inferior(BASELINE, shifted(-0.004, -0.005, -0.006), 0.01)
        assert (result.standing, result.ok) == (Standing.NOT_WORSE, True)
        assert result.gain is not None
        assert result.gain.high < 0

    def test_calls_a_loss_beyond_the_margin_worse(self) -> None:
        result = non_inferior(BASELINE, shifted(-0.05, -0.051, -0.049), 0.01)
        assert (result.standing, result.ok) == (Standing.WORSE, False)

    def test_is_undecided_where_seeds_disagree(self) -> None:
        result = non_inferior(BASELINE, shifted(-0.1, 0.0, 0.1), 0.01)
        assert (result.standing, result.ok) == (Standing.UNDECIDED, None)

    def test_is_undecided_on_the_margin_itself(self) -> None:
        assert non_inferior({0: [1.0, 1.0]}, {0: [0.5, 0.5]}, 0.5).standing is Standing.UNDECIDED

    def test_bounds_the_gain_by_student_over_seeds_on_one_side(self) -> None:
        result = non_inferior(BASELINE, shifted(-0.01, 0.0, 0.01), 0.01)
        assert result.gain is not None
        assert result.gain.high == pytest.approx(2.920 * 0.01 / math.sqrt(3), rel=1e-3)
        assert result.gain.low == pytest.approx(-result.gain.high)

    def test_no_number_of_tasks_stands_in_for_seeds(self) -> None:
        few = non_inferior(BASELINE, shifted(-0.02, 0.0, 0.02), 0.01)
        many = non_inferior(
            {seed: values * 100 for seed, values in BASELINE.items()},
            {seed: values * 100 for seed, values in shifted(-0.02, 0.0, 0.02).items()},
            0.01,
        )
        assert few.gain is not None
        assert many.gain is not None
        assert many.gain.low == pytest.approx(few.gain.low)
        assert many.standing is Standing.UNDECIDED

    def test_pairs_tasks_so_that_their_difficulty_cancels(self) -> None:
        hard_and_easy = {seed: [0.1, 0.9] * 3 for seed in range(2)}
        assert non_inferior(hard_and_easy, hard_and_easy, 1e-6).standing is Standing.NOT_WORSE

    def test_shared_tasks_add_their_own_error_to_that_of_seeds(self) -> None:
        # Four tasks gain 0, 0, .4 and .4 with every seed, which differ by nothing but 0.03.
        gains = [0.0, 0.0, 0.4, 0.4]
        before = {seed: [0.5] * 4 for seed in range(3)}
        after = {seed: [0.5 + 0.03 * (seed - 1) + gain for gain in gains] for seed in range(3)}
        seeds, tasks = 0.03**2 / 3, 0.4**2 / 3 / 4
        freedom = (seeds + tasks) ** 2 / (seeds**2 / 2 + tasks**2 / 3)
        apart, same = (non_inferior(before, after, 0.01, same_tasks=s) for s in (False, True))
        assert apart.gain is not None
        assert same.gain is not None
        assert apart.gain.low == pytest.approx(0.2 - 2.920 * seeds**0.5, rel=1e-3)
        half = stats.t.ppf(0.95, freedom) * (seeds + tasks) ** 0.5
        assert same.gain.low == pytest.approx(0.2 - half)
        assert same.gain.method == "Student's t over seeds and the tasks that they share"
        assert (same.by_seeds, same.gain.n) == (True, 3)

    def test_shared_tasks_never_narrow_the_bound_over_seeds(self) -> None:
        # With the added variance comes half a degree of freedom, and that alone would narrow it.
        before = {seed: [0.5] * 40 for seed in range(2)}
        after = {seed: [0.5 + 0.1 * seed + 0.04 * (-1) ** i for i in range(40)] for seed in before}
        apart, same = (non_inferior(before, after, 0.01, same_tasks=s) for s in (False, True))
        assert same.gain == apart.gain

    def test_one_shared_task_decides_nothing(self) -> None:
        before, after = ({seed: [q] for seed in range(3)} for q in (0.5, 0.9))
        result = non_inferior(before, after, 0.01, same_tasks=True)
        assert (result.standing, result.gain) == (Standing.UNDECIDED, None)

    def test_one_seed_of_shared_tasks_is_bounded_as_ever(self) -> None:
        before, after = {0: [0.5, 0.6, 0.7]}, {0: [0.5, 0.61, 0.69]}
        apart, same = (non_inferior(before, after, 0.1, same_tasks=s) for s in (False, True))
        assert same == apart

    def test_turns_a_loss_around(self) -> None:
        lower = shifted(-0.05, -0.051, -0.049)
        result = non_inferior(BASELINE, lower, 0.01, higher_is_better=False)
        assert result.standing is Standing.NOT_WORSE
        assert result.gain is not None
        assert result.gain.estimate == pytest.approx(0.05)
        other = non_inferior(lower, BASELINE, 0.01, higher_is_better=False)
        assert other.standing is Standing.WORSE

    def test_with_one_seed_bounds_over_tasks_and_says_so(self) -> None:
        result = non_inferior({0: [0.5, 0.6, 0.7]}, {0: [0.5, 0.61, 0.69]}, 0.1)
        assert not result.by_seeds
        assert result.gain is not None
        assert result.gain.method.endswith("tasks of one seed")
        assert result.standing is Standing.NOT_WORSE

    def test_a_single_task_decides_nothing(self) -> None:
        result = non_inferior({0: [0.5]}, {0: [0.9]}, 0.01)
        assert (result.standing, result.gain) == (Standing.UNDECIDED, None)

    def test_counts_seeds_without_a_partner(self) -> None:
        result = non_inferior({0: [1.0, 1.0], 1: [1.0]}, {0: [1.0, 1.0], 2: [1.0], 3: [1.0]}, 0.01)
        assert (result.seeds, result.tasks, result.dropped) == (1, 2, 3)

    def test_refuses_tasks_that_cannot_be_paired(self) -> None:
        with pytest.raises(ValueError, match="seed 0: 2 tasks of the baseline against 1"):
            non_inferior({0: [1.0, 1.0]}, {0: [1.0]}, 0.01)
        with pytest.raises(ValueError, match="share no seed"):
            non_inferior({0: [1.0]}, {1: [1.0]}, 0.01)

    @pytest.mark.parametrize("margin", [0, -0.01, math.nan, math.inf])
    def test_refuses_a_margin_that_leaves_no_room(self, margin: float) -> None:
        with pytest.raises(ValueError, match="margin"):
            non_inferior(BASELINE, BASELINE, margin)
