"""A pair: its members, its processes, and what it says to a study."""

from __future__ import annotations

import pytest

from harness.declare.pair import Pair, settings_words
from harness.declare.suite import resolve
from harness.errors import UnknownName, UsageError
from harness.registry import Registry
from tests.declare.suites import AA, HEAD, PAIR


class TestAPair:
    def test_of_a_learner_with_itself_is_the_noise(self):
        assert Pair("p", "a", "a", "w", "nothing").is_aa
        assert not Pair("p", "a", "b", "w", "all").is_aa

    def test_of_one_learner_under_two_settings_is_not(self):
        assert not Pair("p", "a", "a", "w", "n", method_settings={"n": 2}).is_aa
        assert Pair(
            "p", "a", "a", "w", "", method_settings={"n": 2}, baseline_settings={"n": 2}
        ).is_aa

    def test_knows_what_is_each_members(self):
        pair = Pair("p", "a", "b", "w", "", baseline_settings={"n": 1}, method_settings={"m": 2})
        assert (pair.learner("baseline"), pair.learner("method")) == ("a", "b")
        assert pair.learner_settings("baseline") == {"n": 1}
        assert pair.learner_settings("method") == {"m": 2}


class TestSeveralProcesses:
    PAIR = Pair("p", "a", "a", "w", "", ranks=3)

    def test_are_the_methods_alone(self):
        assert (self.PAIR.processes("baseline"), self.PAIR.processes("method")) == (1, 3)
        assert self.PAIR.communication("baseline") is None
        assert self.PAIR.communication("method") == "torch"
        assert Pair("p", "a", "b", "w", "").communication("method") is None

    def test_are_never_the_noise(self):
        assert not self.PAIR.is_aa

    @pytest.mark.parametrize(
        ("cores", "baseline", "method"), [(8, 6, 2), (3, 3, 1), (2, 2, 1), (1, 1, 1)]
    )
    def test_share_the_cores_that_the_baseline_has_as_well(self, cores, baseline, method):
        assert self.PAIR.threads("baseline", cores) == baseline
        assert self.PAIR.threads("method", cores) == method

    @pytest.mark.parametrize(("cores", "each"), [(8, 2), (3, 1), (2, 1)])
    def test_have_each_as_many_as_the_baseline_worker_for_worker(self, cores, each):
        pair = Pair("p", "a", "b", "w", "", ranks=3, cores="each")
        assert pair.threads("baseline", cores) == pair.threads("method", cores) == each


def test_settings_are_written_as_words_in_the_order_of_their_names():
    assert settings_words({"b": 0.5, "a": 1}) == "a=1 b=0.5"
    assert settings_words({}) == ""


def test_a_pair_says_what_it_is_to_a_study(read):
    placed = PAIR + 'study.ladder = { rung = "rows", added = true }\n'
    suite = read(HEAD + placed + AA)
    assert suite.pair[0].study == {"ladder": {"rung": "rows", "added": True}}
    resolve(suite, Registry(), {})


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ('ladders = { rung = "rows" }', UnknownName, "fast: unknown study.*mean 'ladder'"),
        ('ladder = { rang = "rows" }', UnknownName, "pair fast, study.ladder.*did you mean 'rung'"),
        ("ladder = { rung = 3 }", UsageError, "rung = 3 must be a string"),
        ("ladder = { added = true }", UsageError, "added = true needs a rung"),
        ("targets = { rung = 'rows' }", UnknownName, "pair fast, study.targets: unknown setting"),
    ],
)
def test_what_a_study_does_not_know_of_a_pair_is_refused(read, said, error, message):
    suite = read(HEAD + PAIR + f"study.{said}\n" + AA)
    with pytest.raises(error, match=f"(?i){message}"):
        resolve(suite, Registry(), {})
