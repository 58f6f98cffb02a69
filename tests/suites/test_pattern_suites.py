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
def test_each_holds_the_pairs_of_one_setting(name, in_training):
    settings = {pair.method_settings["in_training"] for pair in suite(name).pair}
    assert settings == {in_training}


@pytest.mark.parametrize(("name", "other"), [(ALONE, TRAINING), (TRAINING, ALONE)])
def test_the_report_of_each_leads_to_the_other(name, other):
    """A report prints its suite's summary below its title."""
    assert f": {other})" in suite(name).summary


def test_both_look_at_every_number_of_inner_steps_that_the_claim_is_read_at():
    assert suite(ALONE).study["variants"]["inner_steps"] == [1, 5, 10]
    assert suite(TRAINING).study["variants"]["inner_steps"] == [1, 5, 10]
