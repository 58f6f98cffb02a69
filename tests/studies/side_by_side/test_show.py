"""All learners on one workload in one table: what each costs, how good it is, what it gains."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import pytest

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.judge.evidence import Evidence
from harness.judge.judge import judge
from harness.judge.judgement import Judgement, PairJudgement, Ratio
from harness.judge.statistics import Interval
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.section import placed
from harness.report.tables.table import Table
from harness.studies.side_by_side import show
from harness.studies.side_by_side.front import figures
from harness.studies.side_by_side.judge import Finding, find
from harness.studies.side_by_side.profiles import Profile
from tests.records.made import altered, flat_record, make_manifest
from tests.report.composing import compose

CONTROL = Pair("a", "plain", "clean", "toys", "data", ("step", "memory", "operations", "curve"))
SOLVED = Pair("b", "plain", "solved", "toys", "how", ("step", "memory", "operations", "curve"))
SECONDS = {"plain": 0.5, "clean": 1.0, "solved": 2.0}
PEAKS = {"plain": 10, "clean": 20, "solved": 40}
QUALITY = {"plain": (0.5, 0.6), "clean": (0.6, 0.6), "solved": (0.7, 0.9)}


def record(pair: Pair, measured: Any, member: Any, seed: int, **changes: Any) -> Record[Seen]:
    return flat_record(
        block=f"{pair.name}/{measured}/{member}/seed{seed}/round0",
        pair=pair.name,
        measured=measured,
        member=member,
        learner=pair.learner(member),
        workload=pair.workload,
        settings="",
        learner_settings="",
        seed=seed,
        round=0,
        status="ok",
        data="made up",
        metric="accuracy",
        higher_is_better=True,
        samples=8,
        parameters=2_000_000,
        **changes,
    )


def records_of(pair: Pair, peaks: dict[str, int] = PEAKS) -> list[Record[Seen]]:
    found = []
    for member in ("baseline", "method"):
        learner = pair.learner(member)
        for seed in (0, 1):
            quality = QUALITY[learner][seed]
            curve = {"curve_steps": (1,), "curve_quality": (0.1,), "train_seconds": 1.0}
            found += [
                record(pair, "step", member, seed, seconds=(SECONDS[learner],) * 3),
                record(pair, "curve", member, seed, test_quality=(quality, quality), **curve),
            ]
        found += [
            record(pair, "memory", member, 0, peak_bytes=peaks[learner]),
            record(pair, "operations", member, 0, backward_passes=4, flops=10),
        ]
    return found


def manifest_of(pairs: tuple[Pair, ...], records: list[Record[Seen]]) -> Manifest:
    suite = Suite("toys", "Made up", pairs, Protocol(seeds=2), verdicts=False)
    return make_manifest(suite=suite, claims=(), plan=tuple(r.block for r in records))


def judged(pairs: tuple[Pair, ...], records: list[Record[Seen]]) -> Judgement:
    return judge(manifest_of(pairs, records), records)


def finding(judgement: Judgement, records: list[Record[Seen]]) -> Finding:
    pairs = tuple(each.pair for each in judgement.pairs)
    return find(Evidence(manifest_of(pairs, records), records), judgement)


@pytest.fixture
def run() -> tuple[Judgement, list[Record[Seen]]]:
    records = records_of(CONTROL) + records_of(SOLVED)
    return judged((CONTROL, SOLVED), records), records


def cost_table(judgement: Judgement, records: list[Record[Seen]]) -> Table | None:
    return show.cost_table(finding(judgement, records).costs)


def accuracy_table(judgement: Judgement, records: list[Record[Seen]]) -> Table | None:
    return show.accuracy_table(finding(judgement, records).standings)


def texts(table: Table | None, row: int) -> list[str]:
    assert table is not None
    return [cell.text.replace("\u00a0", " ") for cell in table.groups[0].rows[row]]


def test_every_learner_has_its_throughput_beside_its_bytes(run: Any) -> None:
    table = cost_table(*run)
    assert table is not None
    assert table.groups[0].title == "toys"
    note = table.groups[0].note.replace("\u00a0", " ")
    assert note == "2.00 million trained parameters. 8 samples per step."
    assert texts(table, 0) == ["plain", "16.0", "500 ms", "10 B", "4"]
    assert texts(table, 2)[:2] == ["solved", "4.00"]


def test_a_learner_of_two_pairs_is_one_row_with_all_its_blocks(run: Any) -> None:
    table = cost_table(*run)
    assert table is not None
    assert [row[0].text for row in table.groups[0].rows] == ["plain", "clean", "solved"]
    notes = [row[1].note.replace("\u00a0", " ") for row in table.groups[0].rows]
    assert notes == ["4 blocks", "2 blocks", "2 blocks"]


def test_gains_are_over_the_first_learner_with_the_same_seed(run: Any) -> None:
    table = accuracy_table(*run)
    assert table is not None
    assert "differences are from plain" in table.groups[0].note
    assert texts(table, 0)[2] == "–"
    assert texts(table, 0)[1].startswith("0.55")
    assert texts(table, 1)[2].startswith("+0.050 [")
    assert texts(table, 2)[2].startswith("+0.250 [")
    assert [row[1].note for row in table.groups[0].rows] == ["2\u00a0seeds"] * 3


def test_gains_on_examples_that_seeds_share_allow_for_other_examples(run: Any) -> None:
    """Both seeds gain alike, but all of it on two of the four examples."""
    judgement, records = run
    quality = {"plain": (0.0, 1.0, 0.0, 1.0), "clean": (1.0,) * 4, "solved": (1.0,) * 4}
    told = [
        altered(r, test_quality=quality[r.learner]) if r.measured == "curve" else r for r in records
    ]
    apart = accuracy_table(judgement, told)
    assert texts(apart, 1)[2] == "+0.500"
    alike = [
        dataclasses.replace(r, held_out_shared=True) if r.measured == "step" else r for r in told
    ]
    table = accuracy_table(judgement, alike)
    assert texts(table, 1)[2].startswith("+0.50 [-0.")
    assert "covers other examples too" in table.caption
    assert texts(table, 1)[1] == texts(apart, 1)[1]


def test_two_learners_have_a_pair_and_need_no_table_more() -> None:
    records = records_of(CONTROL)
    run = judged((CONTROL,), records), records
    assert cost_table(*run) is None
    assert accuracy_table(*run) is None


def test_a_learner_without_a_number_of_samples_has_no_throughput(run: Any) -> None:
    judgement, records = run
    table = cost_table(judgement, [dataclasses.replace(r, samples=None) for r in records])
    assert texts(table, 0)[1] == "–"


@pytest.mark.parametrize("passed", [True, False])
def test_a_pair_whose_check_failed_has_no_place_beside_others(passed: bool) -> None:
    checked = dataclasses.replace(SOLVED, passes=(*SOLVED.passes, "check"))
    checks = [
        record(checked, "check", "baseline", 0, passed=True, equivalence="Exact"),
        record(checked, "check", "method", 0, passed=passed, equivalence="Exact"),
    ]
    records = records_of(CONTROL) + records_of(checked) + checks
    found = judged((CONTROL, checked), records).studies["side_by_side"]
    assert bool(found.costs) == passed


def test_both_tables_are_in_the_report(run: Any) -> None:
    judgement, records = run
    suite = Suite("toys", "Made up", (CONTROL, SOLVED), Protocol(seeds=2), verdicts=False)
    content = compose(
        make_manifest(suite=suite, claims=(), plan=tuple(r.block for r in records)),
        records,
        judgement,
    )
    assert content.table("costs") is not None
    assert content.table("accuracies") is not None


def test_a_learner_is_on_the_front_unless_another_is_as_fast_and_as_small() -> None:
    peaks = {"plain": 40, "clean": 10, "solved": 20}
    records = records_of(CONTROL, peaks) + records_of(SOLVED, peaks)
    (costs,) = judged((CONTROL, SOLVED), records).studies["side_by_side"].costs
    assert {cost.learner: cost.on_front for cost in costs.learners} == {
        "plain": True,
        "clean": True,
        "solved": False,
    }
    (figure,) = figures([costs])
    assert "clean: 1.00\u00a0s, 10\u00a0B, on the front" in figure.alternative
    assert figure.alternative.endswith("solved: 2.00\u00a0s, 20\u00a0B.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "<svg" in placed(figure, "front").svg()


def test_without_bytes_nobody_is_on_the_front_and_nothing_is_drawn() -> None:
    records = [r for p in (CONTROL, SOLVED) for r in records_of(p) if r.measured != "memory"]
    (costs,) = judged((CONTROL, SOLVED), records).studies["side_by_side"].costs
    assert {cost.on_front for cost in costs.learners} == {None}
    assert not list(figures([costs]))


def test_eight_workloads_have_a_profile_and_a_point_of_a_sweep_is_a_workload() -> None:
    def times(method: float) -> Interval:
        return Interval(1 / method, 0.5 / method, 2 / method, 1, "made up")

    def timed(pair: Pair, method: float) -> PairJudgement:
        of_points = tuple(
            Ratio("step_time", "s", 1.0, None, times(method * float(point["size"])), 1, point=point)
            for point in pair.points
        )
        return PairJudgement(pair, None, (), None, of_points, None, (), 0, ())

    def profiles(sizes: list[int]) -> tuple[Profile, ...]:
        control, solved = (
            dataclasses.replace(pair, sweep={"size": sizes}, swept=("step",), passes=())
            for pair in (CONTROL, SOLVED)
        )
        pairs = timed(control, 1.0), timed(solved, 0.25)
        return finding(Judgement(pairs, None, None, (), (), None, 0, 0), []).profiles

    assert profiles([1, 2, 3, 4, 5, 6, 7]) == ()
    (profile,) = profiles([1, 2, 3, 4, 5, 6, 7, 8])
    assert profile.problems == 8
    shares = {learner: dict(steps) for learner, steps in profile.steps}
    # It takes 1/4 to 8/4 of the control's time, and as long as the control at size 4.
    assert shares["solved"][1.0] == 4 / 8
    assert shares["plain"][1.0] == 5 / 8
    assert shares["clean"][1.0] == 0
    assert max(shares["clean"].values()) == 1


def test_quality_stands_beside_the_steps_seconds_and_bytes_that_it_took() -> None:
    curves = {"plain": (0.1, 0.5, 0.6, 0.6), "clean": (0.6,) * 4, "solved": (0.1,) * 4}
    records = [
        altered(r, curve_steps=(0, 10, 20, 30), curve_quality=curves[r.learner])
        if r.measured == "curve"
        else r
        for r in records_of(CONTROL) + records_of(SOLVED)
    ]
    table = accuracy_table(judged((CONTROL, SOLVED), records), records)
    assert table is not None
    # Half of the trainings of the last were never there, so nobody can tell when.
    assert [texts(table, row)[3:] for row in range(3)] == [
        ["20.0", "10.0 s", "500 ms", "10 B"],
        ["0", "0 s", "1.00 s", "20 B"],
        ["–", "–", "2.00 s", "40 B"],
    ]
    assert [row[3].note for row in table.groups[0].rows] == ["2 of 2", "2 of 2", "0 of 2"]


def test_a_learner_that_several_pairs_are_held_to_is_a_second_control() -> None:
    pairs = [CONTROL, SOLVED]
    for name in ("c", "d"):
        pair = dataclasses.replace(SOLVED, name=name, baseline="clean")
        pairs.append(pair)
    records = [r for pair in pairs for r in records_of(pair)]
    table = accuracy_table(judged(tuple(pairs), records), records)
    assert table is not None
    heads = [column.head for column in table.columns][2:4]
    assert heads == ["Difference [95 %]", "From clean [95 %]"]
    assert texts(table, 1)[3] == "–"
    assert texts(table, 0)[3].startswith("-0.050 [")
    assert texts(table, 2)[3].startswith("+0.20 [")
