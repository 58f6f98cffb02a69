"""The content says what was judged, and withholds what may not be printed."""

from __future__ import annotations

import dataclasses

import pytest

from harness.report.content import Content
from harness.report.tables.table import Cell
from tests.report.composing import compose
from tests.report.example_records import seconds_ratio
from tests.report.example_suite import PAIRS
from tests.report.reading import cell, content_of, first_page, group_of, plain, texts


def test_a_claim_stands_with_all_that_its_verdict_needs(content: Content) -> None:
    table = content.verdicts
    assert table is not None
    assert "The training time of MAML is reduced by 50 %" in table.groups[0].title
    assert "Kunde et al. 2021" in table.groups[0].note
    assert "on glyphs (shots=1 tasks=32 ways=5)" in table.groups[0].note
    assert cell(table, 0, 0, "Read as").text == "50 % less time a step, read as 2.0 times"
    assert cell(table, 0, 0, "Read as").note == "known algorithm"
    assert cell(table, 0, 0, "Published").text == "2.00×"
    assert "[" in cell(table, 0, 0, "Measured [95 %]").text
    assert cell(table, 0, 0, "Gradient").text == "Exact: holds"
    assert "3.1" in cell(table, 0, 0, "Gradient").note
    assert "inherited" in cell(table, 0, 0, "Accuracy").text
    assert cell(table, 0, 0, "Verdict").text == "met"


def test_a_reading_of_low_trust_and_a_reconstruction_are_marked(content: Content) -> None:
    note = cell(content.verdicts, 4, 1, "Read as").note
    assert "reconstructed" in note
    assert "a doubtful reading" in note


def test_the_verdicts_stand_in_words_on_the_first_page(content: Content) -> None:
    page = first_page(content)
    assert "2 met, 3 inconclusive, 1 not testable here and 2 invalid" in page
    assert "The training time of MAML is reduced by 50 % against learn2learn" in page
    assert "as fast, 2 conditions; published 2.00×" in page
    assert "the noise floor is" in page


def test_the_growth_of_memory_has_a_table_of_its_own(content: Content) -> None:
    table = content.table("growth")
    assert table is not None
    assert table.groups[0].title == "glyphs (shots=1 tasks=32 ways=5)"
    assert cell(table, 0, 1, "Learner").text == "learn2learn_maml"
    assert plain(cell(table, 0, 1, "Fewest steps").text) == "5.72 MiB"
    assert plain(cell(table, 0, 1, "Fewest steps").note) == "at 1 step"
    assert plain(cell(table, 0, 1, "Most steps").note) == "at 8 steps"
    assert plain(cell(table, 0, 1, "Per step").text) == "1.91 MiB"
    assert "shared_gradients" not in texts(table)


def test_a_run_without_growth_has_no_table_of_it(run) -> None:
    records = tuple(r for r in run.records if not r.point)
    assert compose(run.manifest, records, run.judgement).table("growth") is None


def test_a_pair_whose_check_failed_shows_no_speed_up_anywhere(run, content: Content) -> None:
    forbidden = f"{seconds_ratio(PAIRS[4], run.records).estimate:.2f}"
    assert forbidden not in texts(content.table("pairs"), 4)
    assert forbidden not in texts(content.verdicts, 4)
    assert all(forbidden not in figure.alternative for figure in content.figures)
    assert forbidden not in first_page(content)
    spanning = content.table("pairs").groups[4].rows[0]  # type: ignore[union-attr]
    assert spanning == (
        Cell("no speed-up shown", "The gradient check of shared_gradients failed.", "bad"),
    )
    assert "Approximate: FAILED" in texts(content.verdicts, 4)
    assert "1 step at 0.5, seed 3" in texts(content.verdicts, 4)


def test_a_planned_check_without_an_outcome_withholds_the_speed_up_as_well(run) -> None:
    assert "2.38" in texts(content_of(run).table("pairs"), 1)
    judged = run.judgement.pairs[1]
    unknown = dataclasses.replace(judged.checks[1], passed=None, reason="timeout")
    why = "the gradient of batched_maml was not checked"
    owed = (judged.checks[0], unknown)
    changed = content_of(run.with_pair(1, checks=owed, withheld=why, ratios=(), studies={}))
    assert "not checked" in texts(changed.table("pairs"), 1)
    assert "2.38" not in texts(changed.table("pairs"), 1)
    assert "2.38" not in texts(changed.verdicts, 0)


def test_a_pair_without_a_check_among_its_passes_shows_its_ratios(run) -> None:
    judged = run.judgement.pairs[0]
    pair = dataclasses.replace(judged.pair, passes=("step",))
    changed = content_of(run.with_pair(0, pair=pair, checks=()))
    assert "[0.99" in texts(changed.table("pairs"), 0)


def test_an_aa_pair_shows_the_noise_whatever_its_check_says(run) -> None:
    judged = run.judgement.pairs[0]
    failed = tuple(dataclasses.replace(check, passed=False) for check in judged.checks)
    assert "[0.99" in texts(content_of(run.with_pair(0, checks=failed)).table("pairs"), 0)


def test_a_missing_peer_gives_the_reason_in_place_of_ratios(content: Content) -> None:
    row = content.table("pairs").groups[3].rows[0]  # type: ignore[union-attr]
    assert row[0].text == "not measured"
    assert "torchmeta is not installed" in row[0].note
    assert "python -m baselines.install torchmeta" in texts(content.table("failures"))
    assert "12 blocks" in texts(content.table("failures"))


@pytest.mark.parametrize(("passes", "rows"), [(("curve",), []), (("check", "curve"), [1])])
def test_a_pair_that_nobody_timed_stands_among_no_times(run, passes, rows) -> None:
    pair = dataclasses.replace(run.judgement.pairs[1].pair, passes=passes)
    changed = content_of(run.with_pair(1, pair=pair, ratios=()))
    groups = changed.table("pairs").groups
    assert [len(group.rows) for group in groups if group.title == pair.name] == rows
    assert "No timed pass" not in texts(changed.table("pairs"))
    speedups = next(figure for figure in changed.figures if figure.name == "speedups")
    assert pair.name not in {row.pair for row in speedups.shows.rows}


def test_what_is_not_testable_says_what_is_absent(content: Content) -> None:
    place = group_of(content.verdicts, "worker nodes")
    assert "gpus=4" in cell(content.verdicts, place, 0, "Verdict").note
    assert cell(content.verdicts, place, 0, "Measured [95 %]").text == "–"


def test_a_measure_without_an_interval_says_why(run) -> None:
    step = dataclasses.replace(
        run.judgement.pairs[1].ratios[0], interval=None, reason="no round holds both members"
    )
    found = run.judgement.pairs[1].ratios[1:]
    changed = content_of(run.with_pair(1, ratios=(step, *found)))
    assert "no ratio (no round holds both members)" in texts(changed.table("pairs"), 1)


def test_intervals_over_tasks_and_over_seeds_are_kept_apart(content: Content) -> None:
    table = content.table("quality")
    assert cell(table, 1, 0, "Over tasks [95 %]").note == "900\u00a0tasks"
    assert cell(table, 1, 0, "Over seeds [95 %]").note == "3\u00a0seeds"
    assert cell(table, 0, 1, "Over tasks [95 %]").text == "inherited"
    assert "inherits the baseline's quality" in texts(table, 0)


def test_a_target_that_was_not_reached_is_a_dash_and_counted(content: Content) -> None:
    row = content.table("targets").groups[0].rows[-1]  # type: ignore[union-attr]
    assert row[1] == Cell("–", "0 of 3 seeds")
    assert "by rule" in texts(content.table("targets"))


def test_means_over_workloads_name_their_members(content: Content) -> None:
    assert content.table("pairs").groups[-1].title == (  # type: ignore[union-attr]
        "Over workloads: batched_maml against learn2learn_maml"
    )


def test_a_rival_is_not_taken_for_the_claims_own_method(run) -> None:
    pair = dataclasses.replace(run.judgement.pairs[1].pair, rival=True)
    changed = content_of(run.with_pair(1, pair=pair))
    place = group_of(changed.verdicts, "a rival judged by the same figure")
    assert place > group_of(changed.verdicts, run.judgement.pairs[2].pair.name)


def test_no_claim_and_no_verdict_is_cut(run) -> None:
    verdict = run.judgement.pairs[1].verdicts[0]
    readings = [dataclasses.replace(verdict, reading=f"reading {n}") for n in range(20)]
    changed = content_of(run.with_pair(1, verdicts=tuple(readings)))
    assert "21 met" in first_page(changed)
    assert all(f"reading {n}" in first_page(changed) for n in range(9))
    assert len(changed.claims[0].opened) == 23


def test_every_pair_but_a_a_says_what_its_gradients_owed_and_reached(content: Content) -> None:
    pairs = content.table("pairs")
    assert "gradient" not in texts(pairs, 0)
    exact = texts(pairs, 1)
    assert "gradients: batched_maml Exact: holds, worst error 3.1 × 10⁻¹⁵" in exact
    assert "; learn2learn_maml Exact: holds, worst error" in exact
    assert "torchmeta_maml Exact: not checked" in texts(pairs, 3)
    approximate = texts(pairs, 4)
    assert "shared_gradients (weight=0.3) Approximate: FAILED, worst error 2.1" in approximate
    assert "cosine to exact ≥ 0.930, relative distance ≤ 0.38" in approximate


def test_a_pair_without_a_check_says_that_its_gradient_was_not_checked(run) -> None:
    pair = dataclasses.replace(run.judgement.pairs[1].pair, passes=("step",))
    changed = content_of(run.with_pair(1, pair=pair, checks=()))
    assert "gradient not checked" in texts(changed.table("pairs"), 1)


def test_quality_is_inherited_from_a_curve_and_not_from_nothing(run) -> None:
    quality = run.judgement.pairs[1].quality
    none = dataclasses.replace(quality, baseline=None, over_tasks=None, over_seeds=None)
    table = content_of(run.with_pair(1, quality=none)).table("quality")
    assert run.judgement.pairs[1].pair.name not in texts(table)
    assert "inherited" not in texts(table)
