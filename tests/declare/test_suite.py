"""A suite's file is read whole or refused by the name of what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.protocol import Protocol
from harness.declare.suite import find_suite, read_suite, resolve
from harness.errors import UnknownName, UsageError
from harness.registry import ROOT, Registry
from tests.declare.suites import AA, HEAD, PAIR, SUITE


def test_a_suite_is_read_with_its_pairs_and_the_lasting_protocol(read):
    suite = read(SUITE)
    assert (suite.name, suite.verdicts, suite.protocol) == ("mine", True, Protocol())
    assert [pair.name for pair in suite.pair] == ["fast", "aa"]
    assert suite.pair[0].passes == ("check", "step")


def test_a_protocol_is_read_in_part_or_whole(read):
    suite = read(HEAD + "[protocol]\nseeds = 5\nlimit_s = 30\n" + PAIR + AA)
    assert suite.protocol == Protocol(seeds=5, limit_s=30.0)


# The gate's pairs compare no members, and name methods as either: it reads them by its own rules.
OTHERS = ("claims", "gate")
OUR_SUITES = sorted(p.stem for p in (ROOT / "suites").glob("*.toml") if p.stem not in OTHERS)


@pytest.mark.parametrize("name", OUR_SUITES)
def test_our_own_suites_are_read_and_all_their_names_exist(name):
    suite = read_suite(find_suite(name, ROOT / "suites"))
    assert suite.name == name
    resolve(suite, Registry(), load_claims(ROOT / "suites" / "claims.toml"))


class TestSomePairsOnly:
    def test_come_alone_since_each_has_a_twin_of_its_own(self, read):
        suite = read(SUITE + PAIR.replace('"fast"', '"other"'))
        assert [pair.name for pair in suite.only(("fast",)).pair] == ["fast"]

    def test_keep_the_suites_order_and_protocol(self, read):
        suite = read(HEAD + "[protocol]\nseeds = 5\n" + PAIR + AA)
        chosen = suite.only(("aa", "fast"))
        assert chosen == suite

    def test_must_be_pairs_of_the_suite(self, read):
        with pytest.raises(UnknownName) as refused:
            read(SUITE).only(("fats",))
        assert str(refused.value) == (
            "suite mine: unknown pair 'fats' (did you mean 'fast'?). Allowed: aa, fast."
        )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            'name = "mine"',
            'nane = "mine"',
            r"mine\.toml: unknown setting 'nane' \(did you mean 'name'",
        ),
        ('summary = "My own"\n', "", r"^mine\.toml: missing summary\."),
        ('summary = "My own"\n', "summary = 3\n", "summary = 3 must be a string"),
        ('summary = "My own"\n', "summary = \n", r"^mine\.toml: not valid TOML: .*line 2"),
        ('differ = "how"\n', "", r"^mine\.toml, pair 'fast': missing differ\."),
        (
            'differ = "how"',
            'difer = "how"',
            r"pair 'fast': unknown setting 'difer' \(did you mean 'differ'\?\)",
        ),
        ('differ = "how"', 'differ = "how"\npasses = []', "pair 'fast' has no passes. Give at"),
        (
            'differ = "how"',
            'differ = "how"\nsettings = { a = nan }',
            "settings = .* must be a table",
        ),
        ('differ = "how"', 'differ = "how"\nranks = 0', r"'fast': ranks = 0 must be from 1 to 256"),
        ('differ = "how"', 'differ = "how"\nranks = "2"', "ranks = '2' must"),
        ('differ = "how"', 'differ = "how"\ncores = "all"', "'same' or 'each'"),
        ('differ = "how"', 'differ = "how"\ncommunicator = "mpi"', "'torch' or 'horovod'"),
        (
            'differ = "how"',
            'differ = "how"\nswept = ["step"]',
            r"swept = \['step'\] needs a sweep = \{\.\.\.\}",
        ),
        (
            'differ = "how"',
            'differ = "how"\nsweep = { a = [], b = [1] }',
            r"sweep = { a = \[\] } has no values",
        ),
        (
            'differ = "how"',
            f'differ = "how"\nsweep = {{ a = {list(range(400))}, b = {list(range(400))} }}',
            "sweep has 160,000 points, but at most 100,000",
        ),
        ('differ = "how"', 'differ = "how"\nsweep = { ranks = [0] }', "sweep: ranks = 0 must"),
        ('differ = "how"', 'differ = "how"\nsweep = { ranks = ["x"] }', "sweep: ranks = 'x' must"),
        (
            'differ = "how"',
            'differ = "how"\nsweep = { a = 3 }',
            "a table of lists or a list of tab",
        ),
        ('name = "fast"', f'name = "{"x" * 101}"', "x' is not a valid name. Use 1 to 100 letters"),
        ('name = "aa"', 'name = "fast"', r"two pairs are named 'fast'\. Rename one"),
        ('name = "fast"', 'name = "a,b"', r"'a,b' is not a valid name"),
        ('name = "fast"', 'name = "a b"', r"'a b' is not a valid name"),
        ('name = "fast"', 'name = ""', r"'' is not a valid name"),
        ('name = "mine"', 'name = "../mine"', r"'\.\./mine' is not a valid name"),
        ('name = "mine"', 'name = "."', r"'\.' is not a valid name"),
        ('[[pair]]\nname = "fast"', '[pairs]\nname = "fast"', "'pairs' .did you mean 'pair'"),
    ],
)
def test_a_fault_in_a_suite_is_named(read, before, after, message):
    assert SUITE.count(before) == 1
    with pytest.raises(UsageError, match=message):
        read(SUITE.replace(before, after))


SCALARS = [name for name, value in vars(Protocol()).items() if not isinstance(value, tuple)]


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_protocol_measures_something_of_everything(read, name, value):
    with pytest.raises(UsageError, match=rf"protocol: {name} = {value}(\.0)? must be above 0"):
        read(HEAD + f"[protocol]\n{name} = {value}\n" + PAIR + AA)


@pytest.mark.parametrize("name", ["seeds", "rounds"])
def test_a_protocol_asks_for_no_more_than_a_run_can_list(read, name):
    with pytest.raises(UsageError, match=f"{name} = 1000000000 must be above 0 and at most 10,000"):
        read(HEAD + f"[protocol]\n{name} = 1000000000\n" + PAIR + AA)


@pytest.mark.parametrize(
    ("study", "word", "message"),
    [
        ("variants", "inner_steps = []", "must go upwards"),
        ("variants", "inner_steps = [0, 1]", "must go upwards from 1 or more"),
        ("variants", "inner_steps = [2, 1]", "must go upwards"),
        ("variants", "inner_steps = [1, 1]", "must go upwards"),
        ("variants", "calls = 0", "calls = 0 must be above 0"),
        ("variants", "call = 3", r"'call' \(did you mean 'calls'\?\)"),
        ("ranks", "held_out = 0", "held_out = 0 must be above 0"),
        ("rank", "held_out = 3", r"suite mine: unknown study 'rank' \(did you mean 'ranks'\?\)"),
    ],
)
def test_a_fault_in_the_settings_of_a_study_is_named(read, study, word, message):
    suite = read(HEAD + PAIR + AA + f"[study.{study}]\n{word}\n")
    with pytest.raises(UsageError, match=message):
        resolve(suite, Registry(), {})


def test_a_suite_without_pairs_is_refused(read):
    with pytest.raises(UsageError, match="missing pair"):
        read(HEAD)
    with pytest.raises(UsageError, match=r"the suite has no \[\[pair\]\]\. Add one"):
        read(HEAD + "pair = []\n")


def test_a_suite_with_verdicts_needs_no_pair_for_its_noise(read):
    timed = 'passes = ["step", "variant_times"]\n'
    assert resolve(read(HEAD + PAIR + timed), Registry(), {}) == {}


class TestFinding:
    def test_takes_a_name_or_a_path(self, tmp_path, monkeypatch):
        own = tmp_path / "mine.toml"
        own.touch()
        assert find_suite("smoke", ROOT / "suites") == ROOT / "suites" / "smoke.toml"
        assert find_suite(str(own), ROOT / "suites") == own
        monkeypatch.chdir(tmp_path)
        assert find_suite("mine.toml", ROOT / "suites") == Path("mine.toml")

    def test_meets_an_unknown_name_with_the_nearest(self):
        with pytest.raises(UnknownName, match=r"'smok' \(did you mean 'smoke'\?\)") as refused:
            find_suite("smok", ROOT / "suites")
        assert "claims" not in str(refused.value)

    @pytest.mark.parametrize("word", ["absent.toml", "no/such", "./", "smoke.toml"])
    def test_says_that_a_file_is_not_there_and_which_names_there_are(self, word, tmp_path):
        (tmp_path / "smoke.toml").touch()
        with pytest.raises(UsageError, match=r"no such file\. .*names: smoke\."):
            find_suite(word, tmp_path)

    def test_does_not_take_the_claims_for_a_suite(self):
        with pytest.raises(UnknownName, match="unknown suite 'claims'"):
            find_suite("claims", ROOT / "suites")
