"""Claims are data with a source, and their numbers make sense as ratios."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.errors import UsageError
from harness.registry import ROOT

CLAIM = """
[[claim]]
name = "twice"
paper = "Someone (2020)"
source = "arXiv:0000.00000"
sentence = "it is twice as fast"
algorithm = "known"
readings = [{ name = "time", text = "half the time", value = 2.0, measure = "step_time" }]
"""


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        (tmp_path / "claims.toml").write_text(text)
        return load_claims(tmp_path / "claims.toml")

    return read


def test_a_claim_is_read_with_its_reading(read):
    claim = read(CLAIM)["twice"]
    assert claim.summary == "it is twice as fast (Someone (2020))"
    assert claim.readings[0].value == 2.0
    assert claim.readings[0].trust == "stated"
    assert (claim.margin, claim.needs) == (0.01, ())


def test_our_own_claims_are_read_and_have_their_sources():
    claims = load_claims(ROOT / "suites" / "claims.toml")
    assert len(claims) >= 6
    assert all(claim.source and claim.readings for claim in claims.values())


def test_a_claim_about_several_devices_is_not_tested_by_ranks_that_use_fewer():
    claim = load_claims(ROOT / "suites" / "claims.toml")["sama-four-devices"]
    assert {"gpus=4", "ranks=4"} <= set(claim.needs)


def test_two_claims_of_one_name_are_refused(read):
    with pytest.raises(UsageError, match=r"claims\.toml: two claims are named 'twice'\. Rename"):
        read(CLAIM + CLAIM)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("value = 2.0", "value = 1.0", r"'time': value = 1\.0 must be above 1"),
        ("value = 2.0", "value = -3", r"'time': value = -3\.0 must be above 1"),
        ("value = 2.0", "value = nan", "value = nan must be a finite number"),
        ("value = 2.0", "value = inf", "value = inf must be a finite number"),
        ('"step_time"', '"stop_time"', r"measure 'stop_time' \(did you mean 'step_time'\?\)"),
        ('"step_time"', '"full_time"', "unknown measure 'full_time'"),  # nobody claims it
        (
            '"step_time"',
            '"chosen_time"',
            "measure 'chosen_time' needs inner_steps; the measures with inner_steps are chosen",
        ),
        ('"known"', '"guessed"', "must be 'known' or 'reconstructed'"),
        ('source = "arXiv:0000.00000"', "", r"claims\.toml, claim 'twice': missing source\."),
        ('source = "', 'sauce = "', r"'sauce' \(did you mean 'source'\?\)"),
        ("algorithm", "margin = -0.1\nalgorithm", r"margin = -0\.1 must not be negative"),
        ("algorithm", 'needs = ["four"]\nalgorithm', r"needs = \['four'\]: write NAME=VALUE"),
        ("readings = [{", "readings = []\nunused = [{", "claims.*: unknown setting"),
    ],
)
def test_a_fault_in_a_claim_is_named(read, before, after, message):
    assert CLAIM.count(before) == 1
    with pytest.raises(UsageError, match=message):
        read(CLAIM.replace(before, after))


def test_a_claim_without_a_reading_is_refused(read):
    head = CLAIM.partition("readings")[0]
    with pytest.raises(UsageError, match="claim 'twice': a claim needs readings"):
        read(head + "readings = []\n")


def test_readings_of_one_name_are_refused(read):
    reading = '{ name = "time", text = "t", value = 2.0, measure = "step_time" }'
    with pytest.raises(
        UsageError, match="claim 'twice': a claim needs readings, each with a name of its own"
    ):
        read(CLAIM.partition("readings")[0] + f"readings = [{reading}, {reading}]\n")


def test_our_own_claims_are_quoted_from_what_was_read_with_their_address():
    for claim in load_claims(ROOT / "suites" / "claims.toml").values():
        assert claim.quote
        assert claim.read == "abstract"
        assert claim.link.startswith("https://")


def test_an_address_that_a_page_can_t_follow_is_refused(read):
    with pytest.raises(
        UsageError, match=r"link = 'javascript:alert\(1\)' must begin with https://"
    ):
        read(CLAIM.replace('source = "', 'link = "javascript:alert(1)"\nsource = "'))
