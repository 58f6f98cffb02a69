"""A claim on variants: which ratio decides it, what grants it nothing, and what is left open."""

from __future__ import annotations

import dataclasses

import pytest

from harness.declare.passes import Seen
from harness.judge.judgement import Verdict
from harness.records.record import Record
from tests.judge.builders import AA, changed, judged, timed, without
from tests.studies.variants.judging import judge_study, losing, words
from tests.studies.variants.runs import (
    BETTER,
    NOISE,
    SECONDS,
    STUDY,
    THIRD,
    study,
)


def at_five_steps(records: list[Record[Seen]]) -> Verdict:
    return next(v for v in judge_study(records).verdicts if v.measure == "chosen_time_5")


def test_a_gain_that_is_the_implementation_s_alone_is_not_the_claim_s():
    found = at_five_steps(study(losing(head=0.1, light=0.1, half=0.1)))
    assert found.ratio.low > 1
    assert found.word == "none"
    assert "Variant full was chosen" in found.reason
    assert "full one, decides: measured 1.000 (1.000 to 1.000, 9 rounds)" in found.reason


def test_where_the_variant_s_part_earns_the_same_word_the_whole_ratio_decides():
    found = at_five_steps(study(losing(head=0.1)))
    assert found.word == "met"
    assert "Variant light was chosen, and its part, against the method's own" in found.reason
    assert found.reason.endswith("which would be met too: the whole ratio decides.")
    assert found.own_ratio.estimate == pytest.approx(4, rel=0.02)


def test_a_word_that_the_variant_s_part_alone_would_not_earn_is_not_given():
    slow = dict(SECONDS, full=0.005)
    found = at_five_steps(study(losing(head=0.1), seconds=slow))
    assert found.ratio.low > 3
    assert found.own_ratio.estimate == pytest.approx(2.5, rel=0.02)
    assert found.word == "smaller"
    assert "even the lower end reaches the published 3.000" in found.reason
    assert "full one, decides: measured 2.5" in found.reason
    assert found.reason.endswith(
        "less than the published 3.000. The rest comes from the implementation."
    )


def test_a_method_whose_own_full_variant_is_slow_is_judged_by_the_whole_ratio():
    slow = dict(SECONDS, full=0.02, light=0.005)
    found = at_five_steps(study(losing(head=0.1, half=0.1), seconds=slow))
    assert found.own_ratio.low > 3
    assert found.word == "smaller"
    assert found.reason.endswith("which would be met: the whole ratio decides.")


def unquiet(record: Record[Seen]) -> Record[Seen]:
    """Let the second member of the A/A pair seem faster in one round and slower in the next."""
    if (record.pair, record.member) != ("noise", "method"):
        return record
    by = 1.3 if record.round % 2 else 1 / 1.3
    several = tuple(
        (point, dataclasses.replace(seen, seconds=tuple(call * by for call in seen.seconds)))
        for point, seen in record.several
    )
    return dataclasses.replace(record, several=several)


def test_the_variant_s_part_is_held_to_the_noise_floor_too():
    near = dict(SECONDS, full=0.002, light=0.0018)
    records = study(losing(head=0.1, half=0.1), seconds=near)
    assert at_five_steps(records).word == "smaller"
    found = at_five_steps([unquiet(record) for record in records])
    assert 1 < found.own_ratio.low < found.own_ratio.high < 1.2
    assert found.ratio.low > 3
    assert found.word == "none"
    assert "no gain beyond the noise floor of" in found.reason


def test_a_variant_slower_than_the_full_one_makes_no_method_slower_than_its_baseline():
    near = dict(SECONDS, full=0.004)
    later = lambda name, round_: 2.5 if (name == "light" and round_) else 1.0  # noqa: E731
    found = at_five_steps(study(losing(head=0.1, half=0.1), seconds=near, lucky=later))
    assert found.own_ratio.high < 1 < found.ratio.low
    assert found.word == "none"


def test_to_lose_little_against_a_full_variant_off_its_training_grants_nothing():
    found = {v.measure: v for v in judge_study(study(losing(head=0.1), worn=0.05)).verdicts}
    assert (found["chosen_time_1"].word, found["chosen_time_5"].word) == ("met", "inconclusive")
    reason = found["chosen_time_5"].reason
    assert "even the lower end reaches the published 3.000" in reason
    assert "full itself changes by -0.05 from the 1 inner steps of its training to 5" in reason
    assert reason.endswith("while 0.01 may be lost: losing little against it shows little.")


@pytest.mark.parametrize(
    ("worn", "about"),
    [
        (0.005, {}),
        (-0.05, {}),
        (0.05, {"trained_at": None}),
        (0.05, {"trained_at": 5}),
    ],
    ids=["within the margin", "better", "training unknown", "trained so"],
)
def test_a_full_variant_not_shown_to_be_off_its_training_takes_nothing_back(worn, about):
    records = changed(study(losing(head=0.1), worn=worn), about, measured="variants")
    assert at_five_steps(records).word == "met"


def test_a_word_that_grants_nothing_stands_off_the_training_too():
    slow = dict(SECONDS, light=0.02, half=0.02)
    found = at_five_steps(study(losing(head=0.1), seconds=slow, worn=0.05))
    assert found.word == "none"
    assert "itself changes" not in found.reason


def test_verdicts_are_given_at_the_steps_that_were_looked_at():
    verdicts = judge_study(study(losing(head=0.1))).verdicts
    assert [(v.claim, v.measure, v.word) for v in verdicts] == [
        ("third", "chosen_time_1", "met"),
        ("third", "chosen_time_5", "met"),
        ("third", "chosen_time_10", "not measured here"),
        ("better", "chosen_gain_1", "none"),
    ]
    assert verdicts[0].quality.not_worse is True
    assert verdicts[0].ratio.estimate == pytest.approx(5, rel=0.02)


def test_steps_that_nobody_looked_at_are_named_with_what_to_set():
    found = next(v for v in judge_study(study()).verdicts if v.measure == "chosen_time_10")
    assert found.ratio is None
    assert found.own_ratio is None
    assert found.reason == (
        "The suite does not measure adaptation at 10 inner steps (it measures 1, 5; add 10 to "
        "inner_steps in its [study.variants])."
    )


@pytest.mark.parametrize(
    ("measured", "member", "claims"),
    [
        ("variants", "method", {"third", "better"}),
        ("variant_times", "method", {"third"}),
        ("variant_times", "baseline", {"third"}),
    ],
)
def test_a_pass_that_failed_throughout_is_named_with_its_failure(measured, member, claims):
    broken = {"status": "failed", "reason": "out of eggs"}
    of_study = {"measured": measured, "member": member, "pair": "study"}
    verdicts = judge_study(changed(study(), broken, **of_study)).verdicts
    told = f"{measured.capitalize()} of the {member}: failed, out of eggs."
    open_ = [v for v in verdicts if v.word == "inconclusive"]
    assert {v.claim for v in open_} == claims
    assert all(told in v.reason for v in open_)


def test_blocks_of_variants_that_all_failed_are_named_and_not_a_missing_pass():
    records = study()
    for measured in ("variants", "variant_times"):
        broken = {"status": "failed", "reason": "out of eggs"}
        records = changed(records, broken, measured=measured, pair="study")
    verdicts = judge_study(records).verdicts
    assert {v.word for v in verdicts} == {"inconclusive"}
    assert all("Variants of the method: failed, out of eggs." in v.reason for v in verdicts)


def test_a_pair_that_looks_at_no_variants_says_so():
    plain = dataclasses.replace(STUDY, passes=("check", "operations"))
    kept = without(without(study(), measured="variants"), measured="variant_times")
    found = judged(kept, pairs=(plain,), claims=(THIRD, BETTER)).pairs[0].verdicts
    assert {v.word for v in found} == {"inconclusive"}
    assert all("The pair has no pass variants." in v.reason for v in found)


@pytest.mark.parametrize(("seeds", "told"), [(1, "over 1 seed,"), (2, "over 2 seeds,")])
def test_a_gain_over_fewer_than_three_trainings_is_left_open(seeds, told):
    gain = lambda name, seed: 0.05 * (name == "light")  # noqa: E731
    records = [record for record in study(gain, gain) if record.seed < seeds]
    found = next(v for v in judge_study(records).verdicts if v.claim == "better")
    assert found.word == "inconclusive"
    assert f"{told} but a verdict on quality needs at least 3 seeds" in found.reason
    assert found.ratio.estimate == pytest.approx(0.05)


def test_a_choice_that_loses_more_on_test_tasks_makes_the_claim_invalid():
    found = {v.measure: v for v in judge_study(study(test=losing(head=0.05))).verdicts}
    assert found["chosen_time_5"].word == "invalid"
    assert "head gains -0.05" in found["chosen_time_5"].reason


@pytest.mark.parametrize(
    ("gain", "word"),
    [
        (lambda seed: 0.05 + 0.001 * seed, "met"),
        (lambda seed: 0.008 + 0.002 * seed, "consistent"),
        (lambda seed: 0.005 + 0.0001 * seed, "smaller"),
        (lambda seed: 0.02 * (seed - 1), "inconclusive"),
        (lambda seed: -0.05 - 0.001 * seed, "reversed"),
        (lambda seed: 0.0001 * (seed - 1), "none"),
    ],
)
def test_a_gain_in_quality_is_read_like_a_ratio_with_nothing_in_the_place_of_one(gain, word):
    records = study(
        valid=lambda name, seed: 0.05 * (name == "light"),
        test=lambda name, seed: gain(seed) if name == "light" else 0.0,
    )
    found = next(v for v in judge_study(records).verdicts if v.claim == "better")
    assert found.word == word
    assert found.trust == "ours"


def test_a_margin_of_nothing_leaves_accuracy_undecided():
    records = study()
    strict = dataclasses.replace(THIRD, margin=0.0)
    found = judged(records, pairs=(STUDY, NOISE), claims=(strict, BETTER)).pairs[0]
    assert words(found, "third") == {"inconclusive"}
    assert found.verdicts[0].quality.reason == "a margin of 0 cannot be tested"
    assert words(found, "better") == {"none"}


def test_a_failed_check_withholds_every_time_and_makes_both_claims_invalid():
    records = changed(study(), {"passed": False}, measured="check", member="method")
    found = judge_study(records)
    assert words(found, "third") == words(found, "better") == {"invalid"}
    assert all(ratio.interval is None for ratio in found.ratios)


def test_noise_of_intervals_says_nothing_of_single_calls():
    steps_alone = dataclasses.replace(NOISE, passes=("step",))
    records = [*without(study(losing(head=0.1)), pair="noise"), *timed(steps_alone, 0.25, 0.25)]
    found = judged(records, pairs=(STUDY, steps_alone), claims=(THIRD, BETTER))
    assert found.noise_floor is not None
    verdict = next(v for v in found.pairs[0].verdicts if v.measure == "chosen_time_5")
    assert verdict.word == "inconclusive"
    assert verdict.reason.endswith(
        "A/A pairs timed intervals of whole steps, but this times single calls."
    )


def test_each_kind_of_time_is_held_to_its_own_floor():
    quiet = dataclasses.replace(AA, name="quiet")
    near = dict(SECONDS, full=0.002, light=0.0018)
    about = {"pairs": (STUDY, NOISE, quiet), "claims": (THIRD, BETTER)}
    records = [
        *map(unquiet, study(losing(head=0.1, half=0.1), seconds=near)),
        *timed(quiet, 0.25, 0.25, noise=1e-4),
    ]
    found = judged(records, **about)
    verdict = next(v for v in found.pairs[0].verdicts if v.measure == "chosen_time_5")
    assert (verdict.word, found.aa_ok) == ("none", True)
    loud = judged(
        [*study(losing(head=0.1, half=0.1), seconds=near), *timed(quiet, 0.25, 0.25, noise=0.9)],
        **about,
    )
    verdict = next(v for v in loud.pairs[0].verdicts if v.measure == "chosen_time_5")
    assert loud.noise_floor > 0.12
    assert (verdict.word, loud.aa_ok) == ("smaller", True)
