"""Every published claim is put to the test by a suite, and those of the papers by suite paper."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.declare.suite import read_suite
from harness.measure.preparation import CLAIMS, SUITES

CLAIMED = {
    path.stem: {claim for pair in read_suite(path).pair for claim in pair.claims}
    for path in SUITES.glob("*.toml")
    if path != CLAIMS
}
ELSEWHERE = {
    "clusters-better-tuned": "clusters",  # tunes a number of clusters on validation tasks
    "shared-gradients-larger-rates": "sharing",  # needs the whole grid of rates
    "sama-four-devices": "sama_base",  # needs four GPUs
}
"""Claims that suite paper leaves to another, since half an hour of two cores can't test them."""


@pytest.mark.parametrize("name", load_claims(CLAIMS))
def test_a_claim_is_judged_by_the_suite_that_is_said_to(name: str):
    assert name in CLAIMED[ELSEWHERE.get(name, "paper")]
