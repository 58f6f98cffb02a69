"""The content says what was judged, and withholds what may not be printed."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest

from harness.judge.judge import judge
from harness.judge.judgement import Failure
from harness.records.seen import Times
from harness.report.content import Content
from harness.report.tables.table import Cell, Table
from harness.report.units import bounds
from tests.records.made import altered
from tests.report.composing import compose
from tests.report.example import example_run
from tests.report.example_records import seconds_ratio
from tests.report.example_suite import PAIRS


def content_of(run) -> Content:
    return compose(run.manifest, run.records, run.judgement)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def texts(table: Table | None, group: int | None = None) -> str:
    """Return all that a table or one of its groups says."""
    assert table is not None
    groups = table.groups if group is None else (table.groups[group],)
    cells = [cell for g in groups for row in g.rows for cell in row]
    words = [f"{g.title} {g.note}" for g in groups] + [f"{c.text} ({c.note})" for c in cells]
    return plain(" | ".join(words))


def cell(table: Table | None, group: int, row: int, head: str) -> Cell:
    assert table is not None
    return table.groups[group].rows[row][table.index(head)]


def first_page(content: Content) -> str:
    tallies = [tally for line in content.claims for tally in line.tallies]
    words = [word.text for tally in tallies for word in tally.words]
    lines = [*(line.claim for line in content.claims), *words, *(tally.said for tally in tallies)]
    figures = [line.figure.alternative for line in content.claims if line.figure]
    said = (*content.warnings, *content.abstract, *lines, *figures, content.closing)
    return plain(" ".join(said))


def group_of(table: Table | None, text: str) -> int:
    """Return the place of the group whose heading or note holds the text."""
    assert table is not None
    found = [n for n, group in enumerate(table.groups) if text in f"{group.title} {group.note}"]
    return found[0]


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
    assert "the speed, 2 conditions; published 2.00×" in page
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
    unknown = dataclasses.replace(judged.debts[1], passed=None, reason="timeout")
    why = "the gradient of batched_maml was not checked"
    owed = (judged.debts[0], unknown)
    changed = content_of(run.with_pair(1, debts=owed, withheld=why, ratios=(), studies={}))
    assert "not checked" in texts(changed.table("pairs"), 1)
    assert "2.38" not in texts(changed.table("pairs"), 1)
    assert "2.38" not in texts(changed.verdicts, 0)


def test_a_pair_without_a_check_among_its_passes_shows_its_ratios(run) -> None:
    judged = run.judgement.pairs[0]
    pair = dataclasses.replace(judged.pair, passes=("step",))
    changed = content_of(run.with_pair(0, pair=pair, debts=()))
    assert "[0.99" in texts(changed.table("pairs"), 0)


def test_an_aa_pair_shows_the_noise_whatever_its_check_says(run) -> None:
    judged = run.judgement.pairs[0]
    failed = tuple(dataclasses.replace(debt, passed=False) for debt in judged.debts)
    assert "[0.99" in texts(content_of(run.with_pair(0, debts=failed)).table("pairs"), 0)


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


def test_the_noise_is_said_with_its_floor(run, content: Content) -> None:
    noise = content.table("noise")
    assert noise is not None
    assert f"{100 * run.judgement.noise_floor:.2g}" in noise.caption
    assert "learn2learn against itself" in texts(noise)


def test_the_judges_warnings_are_the_first_thing_read(run) -> None:
    changed = content_of(run.judged(warnings=("A/A pair x misses 1.00", "speed is not judged")))
    assert changed.warnings == ("A/A pair x misses 1.00.", "Speed is not judged.")


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("no verdicts", "Suite paper does not judge speed"),
        ("noise", "every verdict on time is inconclusive"),
        ("unfinished", "the run is unfinished"),
    ],
)
def test_what_the_judge_really_warns_of_reaches_the_first_page(
    run, trouble: str, told: str
) -> None:
    manifest, records = run.manifest, run.records
    if trouble == "no verdicts":
        suite = dataclasses.replace(manifest.suite, verdicts=False)
        manifest = dataclasses.replace(manifest, suite=suite)
    if trouble == "noise":
        aa = (run.judgement.pairs[0].pair.name, "method")
        records = tuple(
            altered(r, seconds=tuple(1.1 * s for s in r.seen.seconds))
            if (r.pair, r.member) == aa and isinstance(r.seen, Times)
            else r
            for r in records
        )
    if trouble == "unfinished":
        records = records[:-3]
    content = compose(manifest, records, judge(manifest, records))
    assert told in plain(" ".join(content.warnings))


def test_an_unfinished_pair_counts_what_is_missing(run) -> None:
    changed = content_of(run.with_pair(1, missing_blocks=7))
    assert "7 blocks" in texts(changed.table("failures"))


def test_the_machine_is_named_and_unknown_probes_are_called_unknown(content: Content) -> None:
    machine = texts(content.table("machine"))
    assert "AMD EPYC 9654" in machine
    assert "memory () | 8.00 GiB" in machine
    assert "frequency policy () | unknown" in machine
    assert "learn2learn 0.2.0, 3 others" in machine
    assert "jinja2" not in machine


def test_what_really_ran_is_told_for_every_member(content: Content) -> None:
    members = texts(content.table("members"), 1)
    assert "1 × 2 threads, cpu, float32" in members
    assert "fast paths: torch.func vmap" in members
    assert "steady in 11 of 12" in members


def test_of_fast_paths_that_differ_from_block_to_block_a_few_are_told(run) -> None:
    records = [
        dataclasses.replace(r, fast_paths=f"way {place}") if r.fast_paths else r
        for place, r in enumerate(run.records)
    ]
    members = texts(compose(run.manifest, records, run.judgement).table("members"), 1)
    told = re.findall(r"fast paths: way \d+; way \d+; (\d+) others in records.jsonl", members)
    assert told
    assert len(re.findall(r"way \d+", members)) == 2 * len(told)


def test_the_harness_tells_its_own_cost(content: Content) -> None:
    told = " ".join(section.text for section in content.sections)
    assert "The harness itself: 86\u00a0% of 5.5 min" in told


def test_the_command_is_given_as_it_was_typed(run, content: Content) -> None:
    (section,) = [each for each in content.sections if each.commands]
    assert section.commands[0] == f"git checkout {run.manifest.probes['git_commit']}"
    assert section.commands[-1] == run.manifest.command


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


def test_the_latest_good_record_of_a_block_counts(run) -> None:
    blocks = {r.block for r in run.records}
    failed = tuple(altered(r, status="failed") for r in run.records)
    twice = dataclasses.replace(run, records=(*failed, *run.records))
    assert len(twice.records) == 2 * len(blocks)
    assert content_of(twice) == content_of(run)


def test_a_long_list_of_failures_is_told_in_full(run) -> None:
    failures = tuple(
        Failure("method", "step", "failed", f"reason {number}", 1) for number in range(30)
    )
    changed = content_of(run.with_pair(3, failures=failures))
    assert all(f"reason {number}" in texts(changed.table("failures")) for number in range(30))


def test_little_or_nothing_can_be_told_too(degenerate) -> None:
    assert degenerate.content.abstract
    assert degenerate.content.table("machine") is not None


@pytest.mark.parametrize("module", ["write", "terminal"])
def test_a_report_is_made_without_torch_and_without_the_measuring(module: str) -> None:
    code = (
        f"import sys, harness.report.{module}\n"
        "found = [m for m in sys.modules if m.split('.')[0] == 'torch' "
        "or m.startswith('harness.measure')]\n"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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
    changed = content_of(run.with_pair(1, pair=pair, debts=()))
    assert "gradient not checked" in texts(changed.table("pairs"), 1)


def test_few_rounds_claim_no_confidence(content: Content) -> None:
    few = example_run(seeds=(0,), rounds=7)
    told = content_of(few)
    assert cell(told.table("pairs"), 1, 0, "n").text == "span of 7\u00a0rounds"
    assert "span of 7 rounds" in cell(told.verdicts, 0, 0, "Measured [95 %]").note.replace(
        "\u00a0", " "
    )
    assert "Brackets hold the span of 7 rounds, not an interval." in texts(told.verdicts, 0)
    failed = group_of(told.verdicts, "reference-sharing-5w1s")
    assert "Brackets" not in texts(told.verdicts, failed)  # its check failed, so none are printed
    assert "brackets: span of 7 rounds, no interval" in first_page(told)
    speedups = next(figure for figure in told.figures if figure.name == "speedups")
    assert "(n = 7)" in speedups.alternative
    assert cell(told.table("noise"), 0, 0, "Tested [99 %]").text == "–"
    for whole in (content.table("pairs"), content.verdicts):
        assert "span of 12" not in texts(whole)


def test_the_interval_by_which_a_a_holds_is_printed(run, content: Content) -> None:
    (twins,) = run.judgement.twins
    shown = cell(content.table("noise"), 0, 0, "Tested [99 %]")
    assert shown == Cell(bounds(twins.wide), "covers 1.00")
    assert shown.text not in cell(content.table("noise"), 0, 0, "Ratio [95 %]").text
    assert " for " not in content.table("noise").caption
    singly = dataclasses.replace(twins, measure="full_time_5")
    both = content_of(run.judged(twins=(twins, singly))).table("noise").caption
    assert "for intervals of many steps and" in both
    assert "for single calls; no smaller" in both
    wide = dataclasses.replace(twins.wide, low=1.01, estimate=1.02, high=1.03)
    apart = content_of(run.judged(twins=(dataclasses.replace(twins, wide=wide),)))
    assert cell(apart.table("noise"), 0, 0, "Tested [99 %]").note == "misses 1.00"


def test_the_warm_up_is_the_time_it_took_and_unknown_is_said(run, content: Content) -> None:
    assert "warm-up 2.50 s" in texts(content.table("members"))
    records = tuple(dataclasses.replace(r, warmup_s=None) for r in run.records)
    unknown = compose(run.manifest, records, run.judgement)
    assert "warm-up unknown" in texts(unknown.table("members"))


def test_quality_is_inherited_from_a_curve_and_not_from_nothing(run) -> None:
    quality = run.judgement.pairs[1].quality
    none = dataclasses.replace(quality, baseline=None, over_tasks=None, over_seeds=None)
    table = content_of(run.with_pair(1, quality=none)).table("quality")
    assert run.judgement.pairs[1].pair.name not in texts(table)
    assert "inherited" not in texts(table)


def test_reasons_are_joined_with_one_full_stop(run) -> None:
    failures = tuple(
        Failure("method", name, "skipped", f"{name} needs a GPU.", 1) for name in ("step", "memory")
    )
    told = texts(content_of(run.with_pair(3, failures=failures)).table("pairs"), 3)
    assert "(step needs a GPU; memory needs a GPU.)" in told


def test_a_pairs_own_protocol_stands_beside_the_suites(run):
    first, *others = run.manifest.suite.pair
    own = dataclasses.replace(first, protocol={"curve_steps": 5000, "test_tasks": 7})
    suite = dataclasses.replace(run.manifest.suite, pair=(own, *others))
    manifest = dataclasses.replace(run.manifest, suite=suite)
    table = compose(manifest, run.records, run.judgement).table("protocol")
    rows = {row[0].text: row[1].text for group in table.groups for row in group.rows}
    assert rows[f"pair {first.name}"] == "curve_steps 5000, test_tasks 7"
    assert len([label for label in rows if label.startswith("pair ")]) == 1
