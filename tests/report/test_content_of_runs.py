"""The content says how a run was measured, and on what."""

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
from harness.report.tables.table import Cell
from harness.report.units import bounds
from tests.records.made import altered
from tests.report.composing import compose
from tests.report.example import example_run
from tests.report.reading import cell, content_of, first_page, group_of, plain, texts


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
    assert "for intervals of whole steps and" in both
    assert "for single calls; no smaller" in both
    wide = dataclasses.replace(twins.wide, low=1.01, estimate=1.02, high=1.03)
    apart = content_of(run.judged(twins=(dataclasses.replace(twins, wide=wide),)))
    assert cell(apart.table("noise"), 0, 0, "Tested [99 %]").note == "misses 1.00"


def test_the_warm_up_is_the_time_it_took_and_unknown_is_said(run, content: Content) -> None:
    assert "warm-up 2.50 s" in texts(content.table("members"))
    records = tuple(dataclasses.replace(r, warmup_s=None) for r in run.records)
    unknown = compose(run.manifest, records, run.judgement)
    assert "warm-up unknown" in texts(unknown.table("members"))


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
