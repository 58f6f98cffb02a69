"""A variant is chosen on validation tasks and early rounds, and judged on nothing of these."""

from __future__ import annotations

import dataclasses

import pytest

from harness.studies.variants.selection import TAUS
from tests.judge.builders import changed, judged, without
from tests.studies.variants.judging import chosen, judge_study, losing, selected, words
from tests.studies.variants.runs import (
    BETTER,
    NOISE,
    STEPS,
    STUDY,
    THIRD,
    no_gain,
    qualities,
    study,
    times,
)


def test_the_fastest_is_chosen_that_loses_no_more_than_tau_on_validation_tasks():
    valid = losing(head=0.1, light=0.015, half=0.003)
    by_tau = {tau: chosen(study(valid), tau).variant for tau in TAUS}
    assert by_tau == {0.0: "full", 0.005: "half", 0.01: "half", 0.02: "light", 0.05: "light"}
    assert chosen(study(losing()), 0.0).variant == "head"


def test_a_better_variant_is_good_enough_at_a_tau_of_nothing():
    choice = chosen(study(lambda name, seed: 0.02 * (name == "light") - 0.1 * (name == "head")), 0)
    assert choice.variant == "light"
    assert choice.valid_gain == pytest.approx(0.02)
    assert choice.within == 3


def test_quality_is_judged_on_test_tasks_that_did_not_choose():
    choice = chosen(study(valid=no_gain, test=losing(head=0.2)))
    assert choice.variant == "head"
    assert choice.gain.estimate == pytest.approx(-0.2)
    assert choice.not_worse is False
    assert "head gains -0.2" in choice.reason


def test_a_round_that_was_kind_to_a_variant_may_choose_it_but_is_not_counted():
    valid = losing(head=0.1)
    kind = study(valid, lucky=lambda name, round_: 0.25 if (name, round_) == ("half", 0) else 1.0)
    choice = chosen(kind)
    assert choice.variant == "half"
    assert choice.ratio.estimate == pytest.approx(2.5, rel=0.02)
    assert choice.ratio.n == 9  # of 12 rounds, the first of each seed has chosen


def test_the_gain_of_the_pattern_is_told_from_that_of_the_implementation():
    choice = chosen(study(losing(head=0.1)))
    assert choice.ratio.estimate == pytest.approx(5, rel=0.02)
    assert choice.own_ratio.estimate == pytest.approx(4, rel=0.02)
    assert choice.batch_ratio.estimate == pytest.approx(5, rel=0.02)
    assert choice.flops_ratio == pytest.approx(5)
    full = judge_study(study()).ratio("full_time_5")
    assert full.interval.estimate == pytest.approx(1.25, rel=0.02)


def test_a_published_rival_that_is_good_enough_stands_beside_the_choice():
    rival = chosen(study(losing(head=0.004))).rival
    assert (rival.name, rival.known_as) == ("head", "ANIL")
    assert rival.ratio.estimate == pytest.approx(10, rel=0.02)
    assert chosen(study(losing(head=0.1))).rival is None


def test_each_seed_s_own_choice_is_told():
    valid = lambda name, seed: -0.03 * (name == "head" and seed != 2)  # noqa: E731
    choice = chosen(study(valid))
    assert choice.variant == "light"
    assert choice.own == ("light", "light", "head")


def test_the_best_variant_is_the_best_on_validation_tasks():
    valid = lambda name, seed: {"half": 0.03, "light": 0.02, "head": 0.01}.get(name, 0.0)  # noqa: E731
    gain = lambda name, seed: 0.05 * (name == "half")  # noqa: E731
    best = selected(judge_study(study(valid, gain))).best[0]
    assert (best.steps, best.variant) == (1, "half")
    assert best.gain.estimate == pytest.approx(0.05)
    assert (best.rival.known_as, best.rival.gain.estimate) == ("ANIL", pytest.approx(0.0))


def test_luck_in_a_seed_s_own_training_is_no_gain_of_the_best():
    """Each variant is lucky with one seed, on validation and on test tasks, and no better else."""
    lucky = {("light", 0): 0.06, ("head", 1): 0.05, ("half", 2): 0.04}
    luck = lambda name, seed: lucky.get((name, seed), 0.0)  # noqa: E731
    found = judge_study(study(luck, luck))
    best = selected(found).best[0]
    assert best.variant == "light"
    assert best.own == ("head", "light", "light")
    assert best.gain.estimate == pytest.approx(0.0)
    verdict = next(v for v in found.verdicts if v.claim == "better")
    assert verdict.ratio == best.gain
    assert "is judged by the best variant of the other seeds: head, light, light" in verdict.reason


def test_a_claim_s_own_margin_is_among_the_losses_that_are_allowed():
    wide = dataclasses.replace(THIRD, margin=0.008)
    valid = losing(head=0.1, light=0.1, half=0.007)
    found = judged(study(valid), pairs=(STUDY, NOISE), claims=(wide, BETTER)).pairs[0]
    assert selected(found).choice(0.008, 5).variant == "half"


def test_where_lower_is_better_tau_is_a_share_of_the_full_variant_s_loss():
    records = changed(
        study(lambda name, seed: {"head": 0.1, "light": 0.01}.get(name, 0.0)),
        {"higher_is_better": False, "metric": "squared error"},
        measured="variants",
    )
    assert chosen(records, 0.02).variant == "light"  # 0.71 is within 0.7 and 2 % of it
    assert chosen(records, 0.01).variant == "half"


def test_the_times_beside_a_ratio_are_of_the_rounds_that_judge():
    """In the round that chose, the chosen variant was kind and the baseline's clock was slow."""
    lucky = lambda name, round_: (  # noqa: E731
        {"half": 0.1, "plain": 10.0}.get(name, 1.0) if round_ == 0 else 1.0
    )
    kind = study(losing(head=0.1), rounds=2, lucky=lucky)
    found = judge_study(kind).ratio("chosen_time_5")
    assert found.method == pytest.approx(5 * 0.004, rel=0.02)
    assert found.baseline == pytest.approx(5 * 0.01, rel=0.02)
    assert found.baseline / found.method == pytest.approx(found.interval.estimate, rel=0.02)


def test_one_round_alone_leaves_nothing_to_judge_by():
    found = judge_study(study(rounds=1))
    assert chosen(study(rounds=1)).ratio is None
    ratio = found.ratio("chosen_time_5")
    assert ratio.interval is None
    assert ratio.reason == "one round alone: none is left to judge by"


def test_without_times_nothing_is_chosen_and_quality_is_still_shown():
    found = judge_study(without(study(), measured="variant_times"))
    assert selected(found).choices == ()
    assert words(found, "third") == {"inconclusive"}
    assert selected(found).rows[0].at[0].quality is not None


def test_without_quality_times_are_still_shown():
    found = judge_study(without(study(), measured="variants"))
    assert selected(found).choices == ()
    assert found.ratio("full_time_1").interval.estimate == pytest.approx(1.25, rel=0.02)
    assert selected(found).rows[0].at[0].seconds is not None


def test_the_noise_pair_times_the_same_calls():
    found = judged(study(), pairs=(STUDY, NOISE), claims=(THIRD, BETTER))
    assert [(twins.pair, twins.measure) for twins in found.twins] == [
        ("noise", f"full_time_{steps}") for steps in STEPS
    ]
    assert found.aa_ok is True


@pytest.mark.parametrize(
    ("measured", "flaw"),
    [
        ("variants", {"valid": 1e300}),
        ("variants", {"test": ()}),
        ("variants", {"test": (0.5, 1e300)}),
        ("variants", {"trained_at": 0}),
        ("variant_times", {"seconds": (0.0,)}),
        ("variant_times", {"seconds": ()}),
        ("variant_times", {"batch_seconds": 0.0}),
        ("variant_times", {"wall_seconds": (0.1,)}),
        ("variant_times", {"wall_seconds": (0.0,) * 10}),
        ("variant_operations", {"flops": -1}),
    ],
)
def test_a_record_that_no_measurement_leaves_is_set_aside(measured, flaw):
    records = changed(study(), flaw, measured=measured, member="method", pair="study")
    failures = judge_study(records).failures
    assert {(f.measured, f.status) for f in failures} == {(measured, "unusable")}


def test_records_of_other_variants_than_the_first_s_do_not_count():
    known = qualities()[2]
    odd = dataclasses.replace(
        known,
        several=tuple(
            ({**at, "inner_steps": 7} if at["inner_steps"] == 5 else at, seen)
            for at, seen in known.several
        ),
    )
    records = [*without(study(), measured="variants", seed=2), odd]
    assert chosen(records).own == ("head", "head")


def test_the_order_of_the_records_changes_nothing():
    records = study(losing(head=0.1))
    assert judge_study(records) == judge_study(records[::-1])


def test_operations_stand_beside_times():
    rows = {row.name: row for row in selected(judge_study(study())).rows}
    assert rows["light"].at[1].flops == 10_000_000
    assert rows["light"].at[1].batch_seconds == pytest.approx(0.08, rel=0.02)
    assert rows["light"].at[1].tail == pytest.approx(0.015, rel=0.02)
    assert len(times()) == 24
