"""Every name in a suite is one that exists, and its own claims stand beside the published."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.declare.suite import resolve
from harness.errors import UnknownName, UsageError
from harness.registry import ROOT, Entry, Registry
from tests.declare.suites import CLAIM, CLAIMED, HEAD, PAIR, SUITE


class TestResolving:
    CLAIMS = load_claims(ROOT / "suites" / "claims.toml")

    def test_returns_the_claims_that_are_referred_to_once_each(self, read):
        claimed = 'differ = "how"\nclaims = ["qmaml-half-the-time"]'
        text = SUITE.replace('differ = "how"', claimed)
        text += PAIR.replace('"fast"', '"f2"').replace('differ = "how"', claimed)
        found = resolve(read(text), Registry(), self.CLAIMS)
        assert list(found) == ["qmaml-half-the-time"]

    def test_loads_nothing_but_the_faces_of_studies(self, read, monkeypatch):
        load = Entry.load
        monkeypatch.setattr(Entry, "load", lambda e: load(e) if e.kind == "study" else 1 / 0)
        assert resolve(read(SUITE), Registry(), self.CLAIMS) == {}

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            (
                'differ = "how"',
                'differ = "how"\npasses = ["stp"]',
                r"pair fast: unknown pass 'stp' \(did you mean 'step'\?\)\. Allowed: .*check",
            ),
            ('method = "batched_maml"', 'method = "batchd"', "unknown method or baseline 'batchd'"),
            (
                'baseline = "reference_maml"\nmethod = "batched_maml"',
                'baseline = "reference_mml"\nmethod = "batched_maml"',
                "unknown baseline or method 'reference_mml' .did you mean 'reference_maml'",
            ),
            ('"sinusoid"\ndiffer = "how"', '"cosine"\ndiffer = "how"', "unknown workload 'cosine'"),
            (
                'differ = "how"',
                'differ = "how"\nclaims = ["half-the-time"]',
                "pair fast: unknown claim 'half-the-time' .did you mean 'qmaml-half-the-time'",
            ),
        ],
    )
    def test_meets_a_name_that_is_not_there_with_the_nearest(self, read, before, after, message):
        assert SUITE.count(before) == 1
        suite = read(SUITE.replace(before, after))
        with pytest.raises(UnknownName, match=message):
            resolve(suite, Registry(), self.CLAIMS)

    @pytest.mark.parametrize("ranks", ["ranks = 2", "sweep = { ranks = [1, 2] }"])
    def test_gives_no_ranks_to_a_pass_of_one_process(self, read, ranks):
        shared = f'differ = "how"\n{ranks}\npasses = ["step", "variants"]'
        suite = read(SUITE.replace('differ = "how"', shared))
        with pytest.raises(UsageError, match=r"pass variants runs in a single .* ranks = 2\."):
            resolve(suite, Registry(), self.CLAIMS)

    def test_lets_a_method_be_what_another_is_held_to(self, read):
        suite = read(
            SUITE.replace('"batched_maml"', '"gradient_sharing"').replace(
                '"reference_maml"', '"batched_maml"'
            )
        )
        assert resolve(suite, Registry(), self.CLAIMS) == {}

    def test_lets_a_method_measure_its_own_noise(self, read):
        suite = read(SUITE.replace('"reference_maml"', '"batched_maml"'))
        assert resolve(suite, Registry(), self.CLAIMS) == {}


class TestClaimsOfItsOwn:
    PUBLISHED = load_claims(ROOT / "suites" / "claims.toml")

    def test_stand_beside_its_pairs_and_the_published_ones(self, read):
        both = CLAIMED.replace('["twice"]', '["twice", "qmaml-half-the-time"]')
        suite = read(HEAD + both + CLAIM.format(name="twice"))
        found = resolve(suite, Registry(), self.PUBLISHED)
        assert list(found) == ["qmaml-half-the-time", "twice"]  # in the order of their files
        assert found["twice"].readings[0].value == 2.0

    def test_may_not_take_a_published_name(self, read):
        name = "qmaml-half-the-time"
        suite = read(HEAD + CLAIMED.replace("twice", name) + CLAIM.format(name=name))
        with pytest.raises(UsageError, match=r"its claim 'qmaml-half-.* \(doi:.*Rename it, or rem"):
            resolve(suite, Registry(), self.PUBLISHED)

    def test_have_names_of_their_own(self, read):
        with pytest.raises(UsageError, match=r"mine\.toml: two claims are named 'twice'"):
            read(HEAD + CLAIMED + 2 * CLAIM.format(name="twice"))

    def test_are_each_of_use_to_a_pair(self, read):
        text = HEAD + CLAIMED + CLAIM.format(name="twice") + CLAIM.format(name="idle")
        with pytest.raises(UsageError, match="no pair tests claim 'idle'"):
            read(text)

    def test_are_left_out_with_their_pairs(self, read):
        suite = read(HEAD + "verdicts = false\n" + CLAIMED + CLAIM.format(name="twice"))
        assert resolve(suite.only(("aa",)), Registry(), self.PUBLISHED) == {}
