"""A variant is chosen on validation tasks and early rounds, and judged on nothing of these."""

from __future__ import annotations

import dataclasses

import pytest

from harness.declare.passes import Seen
from harness.judge.judgement import PairJudgement, Verdict
from harness.records.record import Record
from harness.studies.variants.finding import Selection
from harness.studies.variants.selection import TAUS
from tests.judge.builders import AA, changed, judged, timed, without
from tests.studies.variants.runs import (
    BETTER,
    NOISE,
    SECONDS,
    STEPS,
    STUDY,
    THIRD,
    no_gain,
    qualities,
    study,
    times,
)


def judge_study(records: list[Record[Seen]]) -> PairJudgement:
    found = judged(records, pairs=(STUDY, NOISE), claims=(THIRD, BETTER))
    return next(each for each in found.pairs if each.pair.name == "study")


def selected(found: PairJudgement) -> Selection | None:
    return found.studies.get("variants")


def chosen(records: list[Record[Seen]], tau: float = 0.01, steps: int = 5):
    selection = selected(judge_study(records))
    assert selection is not None
    return selection.choice(tau, steps)


def words(found: PairJudgement, claim: str) -> set[str]:
    """Return the words of a claim at the numbers of inner steps that were looked at."""
    seen = [v for v in found.verdicts if v.measure != "chosen_time_10"]
    return {v.word for v in seen if v.claim == claim}


def losing(**losses: float):
    return lambda name, seed: -losses.get(name, 0.0)


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


def test_noise_of_intervals_says_nothing_of_single_calls():
    steps_alone = dataclasses.replace(NOISE, passes=("step",))
    records = [*without(study(losing(head=0.1)), pair="noise"), *timed(steps_alone, 0.25, 0.25)]
    found = judged(records, pairs=(STUDY, steps_alone), claims=(THIRD, BETTER))
    assert found.noise_floor is not None
    verdict = next(v for v in found.pairs[0].verdicts if v.measure == "chosen_time_5")
    assert verdict.word == "inconclusive"
    assert verdict.reason.endswith(
        "A/A pairs timed intervals of many steps, but this times single calls."
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
