"""Threats and warnings follow from the records, and none is told where there is none."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.declare.passes import Seen
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.judge.threats import Threat
from harness.records.record import Record
from tests.judge.builders import AA, PAIR, changed, claim, manifest, whole


def judgement(records: list[Record[Seen]], held: Any = None, **about: Any) -> Judgement:
    made = manifest(records, pairs=(PAIR, AA), claims=(held or claim(),))
    return judge(dataclasses.replace(made, **about), records)


def told(found: Judgement, threat: Threat) -> str:
    return " ".join(each.text for each in found.threats if each.threat is threat)


RUN = whole(PAIR)


def test_data_that_stand_in_for_others_are_named_first_and_among_the_threats() -> None:
    plain = judgement(RUN, data_dir=True)
    assert not any("stand in for" in each for each in plain.warnings)
    found = judgement(changed(RUN, {"stands_in_for": "Omniglot"}))
    assert any("which stand in for Omniglot" in each for each in found.warnings)
    assert "in place of Omniglot" in told(found, Threat.DATA)


def test_embedded_data_are_named_where_no_folder_was_given() -> None:
    assert any("no data set was given" in each for each in judgement(RUN).warnings)
    assert not any(
        "no data set was given" in each for each in judgement(RUN, data_dir=True).warnings
    )


def test_the_budget_names_the_rounds_that_were_taken_and_the_pairs_that_time_cut_short() -> None:
    found = judgement(RUN)
    assert found.rounds is not None
    assert found.rounds.least == found.rounds.most == 12  # though the manifest may plan more
    assert "12 rounds of each timed pair" in told(found, Threat.BUDGET)
    assert "time was up" not in told(found, Threat.BUDGET)
    late = [
        dataclasses.replace(each, status="skipped", skip="budget", seen=None)
        if each.pair == "pair" and each.measured == "step" and each.round == 3
        else each
        for each in RUN
    ]
    cut = told(judgement(late), Threat.BUDGET)
    assert "9 to 12 rounds of each timed pair" in cut
    assert "pair: the run's time was up before all rounds had decided" in cut
    assert "seeds had shown" not in cut


def test_a_claim_known_from_an_abstract_alone_is_told() -> None:
    unread = judgement(RUN, claim(read="abstract"))
    assert any("known from an abstract alone" in each for each in unread.warnings)
    assert "twice" in told(unread, Threat.SOURCES)
    assert not any("abstract" in each for each in judgement(RUN, claim(read="paper")).warnings)


def test_a_load_above_the_cores_is_told_of_timed_blocks_alone() -> None:
    probes = {"usable_cores": 2}
    busy = changed(RUN, {"load": 2.5}, pair="pair", measured="step", member="method")
    found = judgement(busy, probes=probes)
    assert any(
        "12 of 48 timed blocks began while the load was above the 2 cores" in each
        for each in found.warnings
    )
    elsewhere = changed(RUN, {"load": 2.5}, measured="curve")
    for quiet in (
        judgement(changed(RUN, {"load": 2.0}), probes=probes),
        judgement(elsewhere, probes=probes),
        judgement(busy, probes={}),
    ):
        assert not any("load" in each for each in quiet.warnings)


def test_what_disturbed_times_at_the_start_is_told_once() -> None:
    probes = {"usable_cores": 2, "disturbed_by": {"load": "2.4 on 2 cores", "swap": "9 MiB"}}
    began = "when the run began, its machine disturbed times: "
    for load, expected in ((2.5, "swap: 9 MiB"), (0.1, "load: 2.4 on 2 cores; swap: 9 MiB")):
        found = judgement(changed(RUN, {"load": load}), probes=probes)
        assert [each for each in found.warnings if began in each] == [began + expected]
    for nothing in ({}, None, "busy"):
        found = judgement(RUN, probes={"disturbed_by": nothing})
        assert not any(began in each for each in found.warnings)


def test_a_baseline_that_was_still_learning_is_told() -> None:
    def curved(*quality: float) -> Judgement:
        steps = tuple(range(10, 10 * len(quality) + 1, 10))
        seen = {"curve_steps": steps, "curve_quality": quality}
        return judgement(changed(RUN, seen, measured="curve", member="baseline"))

    rising, flat = curved(0.2, 0.4, 0.6, 0.7), curved(0.2, 0.7, 0.7, 0.7)
    assert any("pair (0.1 better in the last quarter of 40 steps)" in e for e in rising.warnings)
    assert not any("still learning" in each for each in flat.warnings)


def test_a_reconstruction_and_a_bar_of_ours_are_told() -> None:
    found = judgement(RUN, claim(algorithm="reconstructed"))
    assert "twice: the algorithm had to be reconstructed" in told(found, Threat.RECONSTRUCTION)
    assert not told(judgement(RUN), Threat.RECONSTRUCTION)


def test_a_member_that_only_guesses_is_told() -> None:
    guessing = changed(RUN, {"test_quality": (0.1, 0.3, 0.2, 0.2)}, measured="curve")
    found = judgement(changed(guessing, {"chance": 0.2}))
    assert "where guessing has 0.2" in told(found, Threat.CHANCE)
    assert not told(judgement(guessing), Threat.CHANCE)
    assert not told(judgement(changed(RUN, {"chance": 0.2})), Threat.CHANCE)


def test_a_run_without_verdicts_has_no_threats() -> None:
    bare = dataclasses.replace(PAIR, claims=())
    made = manifest(RUN, pairs=(bare, AA), claims=())
    assert judge(made, RUN).threats == ()
