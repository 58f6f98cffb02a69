"""A suite's file is read whole or refused by the name of what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.suite import Pair, Protocol, find_suite, read_suite, resolve, settings_words
from harness.errors import UnknownName, UsageError
from harness.registry import ROOT, Entry, Registry

PAIR = """
[[pair]]
name = "fast"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how"
"""
AA = """
[[pair]]
name = "aa"
baseline = "reference_maml"
method = "reference_maml"
workload = "sinusoid"
differ = "nothing"
passes = ["step"]
"""
HEAD = 'name = "mine"\nsummary = "My own"\n'
SUITE = HEAD + PAIR + AA


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        (tmp_path / "mine.toml").write_text(text)
        return read_suite(tmp_path / "mine.toml")

    return read


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


CLAIM = """
[[claim]]
name = "{name}"
paper = "My own"
source = "here"
sentence = "it is twice as fast"
algorithm = "known"
readings = [{{ name = "time", text = "half the time", value = 2.0, measure = "step_time" }}]
"""
CLAIMED = PAIR + 'claims = ["twice"]\n' + AA


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
