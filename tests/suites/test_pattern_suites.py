"""The study of update patterns is two suites: one training for all patterns, or one for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.suite import Suite, read_suite

SUITES = Path(__file__).parents[2] / "suites"
ALONE, TRAINING = "lambda", "lambda_training"


def suite(name: str) -> Suite:
    return read_suite(SUITES / f"{name}.toml")


@pytest.mark.parametrize(("name", "in_training"), [(ALONE, False), (TRAINING, True)])
def test_each_holds_the_pairs_of_one_setting_and_the_noise_of_its_own(name, in_training):
    pairs = suite(name).pair
    settings = {pair.method_settings["in_training"] for pair in pairs if not pair.is_aa}
    assert settings == {in_training}
    assert [pair.passes for pair in pairs if pair.is_aa] == [("variant_times",)]


@pytest.mark.parametrize(("name", "other"), [(ALONE, TRAINING), (TRAINING, ALONE)])
def test_the_report_of_each_leads_to_the_other(name, other):
    """A report prints its suite's summary below its title."""
    assert f": {other})" in suite(name).summary


def test_both_look_at_every_number_of_inner_steps_that_the_claim_is_read_at():
    assert suite(ALONE).study["variants"]["inner_steps"] == [1, 5, 10]
    assert suite(TRAINING).study["variants"]["inner_steps"] == [1, 5, 10]


def test_the_paper_s_patterns_have_noise_of_calls_like_their_own():
    pairs = {pair.name: pair for pair in suite("paper").pair}
    patterns, noise = pairs["patterns-5w1s"], pairs["aa-patterns-5w1s"]
    assert noise.is_aa
    assert "variant_times" in noise.passes
    assert (noise.baseline, noise.workload, noise.settings) == (
        patterns.baseline, patterns.workload, patterns.settings
    )  # fmt: skip
