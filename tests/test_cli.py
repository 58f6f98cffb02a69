"""The command line: what it prints, what it returns, and that no bad input ends in a traceback."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.cli import LISTED, main
from harness.config import WORDS, RunConfig
from harness.measure.engines.local import Answer
from harness.measure.plan import plan, plan_hash
from harness.measure.probes import run_probes
from harness.records.history import append
from harness.records.store import MANIFEST, RECORDS, Store

from .command import ROOT
from .command import harness as run_harness
from .records.history_made import timed
from .records.made import FIXTURE

SUITE = """
name = "mine"
summary = "My own"
verdicts = false

[[pair]]
name = "fast"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how"
passes = ["step"]
"""
METHOD = """
from harness.registry import method

@method("{name}")
class Mine:
    \"\"\"My own method.\"\"\"
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Return the folder that commands are started in, which holds a suite and a plugin."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    (tmp_path / "mine.py").write_text(METHOD.format(name="mine"))
    return tmp_path


@pytest.fixture
def refused(capsys):
    """Return a function that runs a command which must be refused, and returns its message."""

    def refused(*arguments: str) -> str:
        try:
            code = main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code
        shown = capsys.readouterr()
        assert code == 2
        assert shown.out == ""
        assert shown.err.startswith("error: ")
        assert shown.err.count("\n") == 1
        return shown.err.removeprefix("error: ").rstrip("\n")

    return refused


@pytest.fixture
def said(capsys):
    """Return a function that runs a command which must succeed, and returns what it prints."""

    def said(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    return said


class TestHelp:
    def test_shows_every_command_and_examples(self, capsys):
        with pytest.raises(SystemExit) as leaving:
            main(["--help"])
        assert leaving.value.code == 0
        text = capsys.readouterr().out
        for command in ("run", "list", "check", "probe", "report", "compare"):
            assert f"\n    {command} " in text
            assert f"  python -m harness {command} " in text or command == "probe"

    def test_shows_every_word_of_run_with_its_default(self, capsys):
        with pytest.raises(SystemExit):
            main(["run", "--help"])
        text = capsys.readouterr().out
        for word, meaning in WORDS.items():
            assert f"  {word}=" in text
            assert meaning in text
        assert text.count("(default: ") == len(WORDS) - 2  # not of resume= and plugin=

    @pytest.mark.parametrize("command", ["list", "check", "probe", "report", "compare"])
    def test_is_there_for_every_command(self, command, capsys):
        with pytest.raises(SystemExit) as leaving:
            main([command, "--help"])
        assert leaving.value.code == 0
        assert f"python -m harness {command}" in capsys.readouterr().out

    def test_knows_the_version(self, capsys):
        with pytest.raises(SystemExit):
            main(["--version"])
        assert capsys.readouterr().out.strip() == harness.__version__


class TestListing:
    def test_is_an_object_of_names_and_summaries_for_machines(self, said):
        listing = json.loads(said("list", "--json"))
        assert list(listing) == ["baselines", "methods", "workloads", "suites", "claims"]
        for entries in listing.values():
            assert entries
            for entry in entries:
                assert {"name", "summary"} <= set(entry)
                assert entry["name"]
                assert entry["summary"]
                assert "\n" not in entry["summary"]
        names = {kind: [entry["name"] for entry in entries] for kind, entries in listing.items()}
        assert "learn2learn_maml" in names["baselines"]
        assert "batched_maml" in names["methods"]
        assert "glyphs_5w1s" in names["workloads"]
        assert {"paper", "smoke"} <= set(names["suites"])
        assert "qmaml-half-the-time" in names["claims"]

    def test_shows_the_same_to_people(self, said):
        listing, text = json.loads(said("list", "--json")), said("list")
        assert [
            line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "
        ] == [*LISTED]
        for entries in listing.values():
            for entry in entries:
                assert any(
                    line.split()[0] == entry["name"] and f" {entry['summary']}" in line
                    for line in text.splitlines()
                ), entry

    def test_says_which_peers_are_installed(self, here, said):
        peers = "    peer = '{}'\n"
        (here / "mine.py").write_text(
            METHOD.format(name="lacking")
            + peers.format("a-package-that-nobody-has")
            + METHOD.format(name="having").partition("\n\n")[2]
            + peers.format("torch")
        )
        methods = json.loads(said("list", "methods", "plugin=mine.py", "--json"))["methods"]
        found = {entry["name"]: entry for entry in methods}
        version = importlib.metadata.version("torch")
        assert found["lacking"].items() >= {
            ("peer", "a-package-that-nobody-has"),
            ("installed", None),
        }
        assert found["having"].items() >= {("peer", "torch"), ("installed", version)}
        assert set(found["batched_maml"]) == {"name", "summary"}
        text = said("list", "methods", "plugin=mine.py")
        assert f"My own method. [torch {version}]\n" in text
        assert "My own method. [a-package-that-nobody-has is not installed]\n" in text

    def test_says_how_a_missing_peer_of_ours_is_installed(self, said, monkeypatch):
        def nothing_is_installed(name: str) -> str:
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(importlib.metadata, "version", nothing_is_installed)
        text = said("list", "baselines")
        assert text.count("is not installed: python -m baselines.install ") == text.count(" [")
        for peer in ("learn2learn", "torchmeta", "higher", "torchopt", "betty-ml"):
            assert f" [{peer} is not installed: python -m baselines.install {peer}]\n" in text

    def test_may_be_of_one_kind_or_some(self, said):
        assert list(json.loads(said("list", "methods", "--json"))) == ["methods"]
        assert list(json.loads(said("list", "--json", "suites", "claims"))) == ["suites", "claims"]
        assert said("list", "methods").startswith("methods:\n  batched_maml")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("list", "methods", "plugin=mine.py", "--json"),
            ("list", "--json", "plugin=mine.py", "methods"),
            ("list", "methods", "--json", "plugin=mine.py"),
            ("list", "--json", "plugin=mine.py"),
        ],
    )
    def test_takes_a_plugin_wherever_it_stands(self, here, said, arguments):
        listed = json.loads(said(*arguments))["methods"]
        assert {"name": "mine", "summary": "My own method."} in listed

    def test_survives_what_an_installed_package_breaks(self, here):
        about = here / "broken-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[harness.components]\nbroken = no_such_thing\n")
        done = run_harness("list", env={"PYTHONPATH": f"{ROOT}{os.pathsep}{here}"})
        assert done.returncode == 0
        assert "  batched_maml " in done.stdout
        assert done.stderr.startswith("warning: entry point broken = no_such_thing: ")

    def test_meets_an_unknown_kind_with_the_nearest(self, refused):
        assert refused("list", "metods") == (
            "unknown kind of thing 'metods' (did you mean 'methods'?). Allowed: baselines, claims, "
            "methods, suites, workloads. Without one, all are listed."
        )

    def test_knows_no_word_but_plugin(self, refused):
        assert "unknown word 'suite'" in refused("list", "suite=smoke")

    def test_ends_quietly_when_nobody_reads_on(self):
        reader = subprocess.Popen(
            [sys.executable, "-m", "harness", "list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        assert reader.stdout is not None
        assert reader.stderr is not None
        reader.stdout.close()
        assert reader.stderr.read() == b""
        reader.stderr.close()
        assert reader.wait(60) == 141

    def test_says_so_when_its_output_cannot_be_written(self):
        if not Path("/dev/full").exists():
            pytest.skip("there is no /dev/full here")
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "harness", "list"],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == "error: [Errno 28] No space left on device\n"


class TestWords:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["rn"], "unknown command 'rn' (did you mean 'run'?). Allowed: check, compare, gate, "),
            ([], "the following arguments are required: COMMAND. See: python -m harness --help"),
            (["run", "--fast"], "unrecognized arguments: --fast. See: python -m harness --help"),
            (["probe", "now"], "unrecognized arguments: now"),
            (["report"], "the following arguments are required: run"),
            (["compare", "a"], "the following arguments are required: after"),
            (["check"], "the following arguments are required: name"),
            (
                ["run", "suit=smoke"],
                "unknown word 'suit' (did you mean 'suite'?). Allowed: data_dir",
            ),
            (["run", "suite"], "'suite' has no value. Write suite=...: the suite: a name, or"),
            (["run", "rounds=2", "rounds=3"], "rounds= is given twice, '2' and '3'. Keep one."),
            (["run", "rounds=two"], "rounds=two: not a whole number. Write rounds=3, say."),
            (["run", "threads=0"], "threads=0: must be from 1 to 1024."),
            (["run", "seeds=1,1"], "seeds=1,1: a seed is named twice."),
            (["run", "device=gpu"], "unknown device 'gpu'"),
            (["run", "data_dir=absent"], "data_dir=absent: no such folder."),
            (
                ["run", "suite=smok"],
                "unknown suite 'smok' (did you mean 'smoke'?). Allowed: distributed",
            ),
            (["run", "suite=absent.toml"], "suite=absent.toml: no such file. Give the path"),
            (["run", "suite=smoke", "pairs=aa-sinusoi"], "(did you mean 'aa-sinusoid'?)"),
            (["run", "pairs=,"], "pairs=,: nothing stands beside a comma."),
            (["run", "resume=x", "suite=smoke"], "leave out suite, or start a new run"),
            (["run", f"suite={'x' * 300}.toml"], "File name too long"),
            (
                ["check", "batchd_maml"],
                "unknown method or baseline 'batchd_maml' (did you mean 'ba",
            ),
            (["check", "batched_maml", "--examples", "0"], "--examples=0: must be from 1 to 10000"),
            (["check", "batched_maml", "--examples", "x"], "--examples=x: not a whole number."),
            (
                ["check", "batched_maml", "plugn=x.py"],
                "unknown word 'plugn' (did you mean 'plugin'?)",
            ),
            (["check", "batched_maml", "--json", "plugin=absent.py"], "plugin=absent.py: no such"),
            (
                ["report", "absent"],
                "absent: not a run (it has no manifest.json). Name a run folder",
            ),
            (["compare", "absent", "absent"], "absent: not a run"),
        ],
        ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
    )
    def test_that_are_wrong_are_answered_in_one_line(self, here, refused, arguments, message):
        assert message in refused(*arguments)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("run", "suit=smoke"),
            ("rn",),
            ("list", "metods"),
            ("run", "resume=."),
            ("run", "rounds=x\ny"),
        ],
    )
    def test_that_are_wrong_leave_no_traceback_behind(self, here, arguments):
        done = run_harness(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1


class TestASuiteOfOnesOwn:
    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            ("summary", "sumary", "setting of mine.toml 'sumary' (did you mean 'summary'?)"),
            ('summary = "My own"\n', "", "mine.toml: missing summary. Add what is missing."),
            ('"My own"', "My own", "mine.toml: not valid TOML: "),
            (
                "verdicts = false",
                "verdicts = 0",
                "verdicts = 0 is a int, but must be true or false",
            ),
            ("verdicts = false\n", "", "mine.toml: no A/A pair (a baseline against itself)"),
            (
                '"batched_maml"',
                '"batchd_maml"',
                "unknown method or baseline 'batchd_maml' (did you",
            ),
            (
                '"sinusoid"',
                '"sinusoids"',
                "unknown workload 'sinusoids' (did you mean 'sinusoid'?)",
            ),
            ('["step"]', '["steps"]', "must be a list of 'check' or 'trajectory' or"),
            ('"how"', '"how"\nclaims = ["none"]', "unknown claim of pair fast 'none'"),
        ],
    )
    def test_is_refused_with_what_is_wrong(self, here, refused, before, after, message):
        assert SUITE.count(before) == 1
        (here / "mine.toml").write_text(SUITE.replace(before, after))
        assert message in refused("run", "suite=mine.toml", "out=run")
        assert not (here / "run").exists()


class TestAPlugin:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "plugin=my.py: no such Python file. Name an existing .py file."),
            ("@method('x')\nclass X(:\n", "my.py, line 2: not valid Python: "),
            ("x = 1\n", "plugin=my.py: no component in it. Put @baseline, @method, @workload or"),
            (METHOD.format(name="batched_maml"), "one in methods/batched_maml.py, one in my.py."),
            ("@method(NAME)\nclass X: pass\n", "my.py, line 2: @method takes one literal name."),
        ],
    )
    @pytest.mark.parametrize("command", [("run", "suite=smoke"), ("list",), ("check", "x")])
    def test_is_refused_with_what_is_wrong(self, here, refused, text, message, command):
        if text is not None:
            (here / "my.py").write_text(text)
        assert message in refused(*command, "plugin=my.py")

    def test_that_fails_when_it_is_imported_is_refused_too(self, here, refused):
        (here / "my.py").write_text("1 / 0\n" + METHOD.format(name="failing"))
        message = refused("check", "failing", "plugin=my.py")
        assert message.startswith("my.py: importing it fails: ZeroDivisionError: division by zero.")


CHATTY = """
import sys
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient
from harness.registry import method

print("loading")

@method("chatty")
class Chatty(ReferenceMaml):
    \"\"\"Talks.\"\"\"

    def meta_gradient(self, state, batch):
        print("working")
        return super().meta_gradient(state, batch)

@method("renamed")
class Renamed(ReferenceMaml):
    \"\"\"Calls its gradient otherwise.\"\"\"

    def meta_gradient(self, state, batch):
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {f"module.{name}": each for name, each in grads.items()})

@method("leaves")
class Leaves(ReferenceMaml):
    \"\"\"Exits.\"\"\"

    def meta_gradient(self, state, batch):
        sys.exit(0)
"""


class TestChecking:
    @pytest.fixture
    def check(self, here):
        (here / "chatty.py").write_text(CHATTY)

        def check(name: str, *options: str) -> int:
            return main(["check", name, "plugin=chatty.py", "--examples", "3", *options])

        return check

    def test_answers_machines_with_nothing_but_an_object(self, check, capsys):
        assert check("chatty", "--json") == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["passed"] is True
        assert "loading" in shown.err
        assert "working" in shown.err

    def test_tells_the_largest_error_in_either_precision(self, check, capsys):
        check("chatty", "--json")
        found = json.loads(capsys.readouterr().out)["errors"]
        assert found["float64"] < 1e-12 < found["float32"]
        check("chatty")
        words = f"largest errors: {found['float64']:.3g} in float64, "
        assert words in capsys.readouterr().out

    def test_does_not_guess_an_angle_that_there_is_not(self, check, capsys):
        assert check("renamed") == 1
        assert "least cosine unknown" in capsys.readouterr().out
        assert check("renamed", "--json") == 1
        assert json.loads(capsys.readouterr().out)["cosine"] is None

    def test_fails_where_the_learner_exits(self, check, capsys):
        assert check("leaves") == 1
        assert "leaves raised SystemExit: 0, on: " in capsys.readouterr().err

    def test_fails_where_the_plugin_exits(self, here, refused):
        (here / "my.py").write_text("raise SystemExit(0)\n" + METHOD.format(name="gone"))
        assert "importing it fails: SystemExit: 0." in refused("check", "gone", "plugin=my.py")


class TestTheRunFolder:
    @pytest.mark.parametrize(
        ("out", "message"),
        [
            ("full", "out=full: not empty. Name a new or an empty folder"),
            ("mine.toml", "out=mine.toml: mine.toml is a file."),
            ("mine.toml/run", "out=mine.toml/run: {here}/mine.toml is a file."),
            ("x" * 300, "File name too long"),
        ],
    )
    def test_is_refused_before_anything_is_done(self, here, refused, out, message):
        (here / "full").mkdir()
        (here / "full" / "letter").touch()
        message = message.format(here=here)
        assert message in refused("run", "suite=mine.toml", f"out={out}")
        assert sorted(path.name for path in here.iterdir()) == ["full", "mine.py", "mine.toml"]

    def test_of_another_run_is_refused_with_how_to_finish_it(self, here, refused):
        shutil.copytree(FIXTURE, here / "run")
        assert "or finish the run with resume=run." in refused("run", "suite=mine.toml", "out=run")


class TestResuming:
    @pytest.fixture
    def run(self, here) -> Path:
        """Return a run that this version may go on with."""
        shutil.copytree(FIXTURE, here / "run")
        manifest = Store.open(FIXTURE).manifest
        config = RunConfig(seeds=manifest.seeds, rounds=manifest.rounds, threads=manifest.threads)
        self.changed(
            here / "run", plan_hash=plan_hash(plan(manifest.suite, config)), probes=run_probes()
        )
        return here / "run"

    def changed(self, run: Path, **changes: object) -> None:
        table = json.loads((run / MANIFEST).read_text())
        (run / MANIFEST).write_text(json.dumps(table | changes))

    def test_takes_a_run(self, here, refused):
        assert refused("run", "resume=.").startswith(".: not a run (it has no manifest.json).")
        assert refused("run", "resume=absent").startswith("absent: not a run")
        assert refused("run", "resume=mine.toml").startswith("mine.toml: not a run")

    def test_takes_a_manifest_that_is_whole(self, run, refused):
        text = (run / MANIFEST).read_text()
        (run / MANIFEST).write_text(text[: len(text) // 2])
        assert "run/manifest.json: not valid JSON" in refused("run", "resume=run")
        (run / MANIFEST).write_bytes(b"\xff" * 20)
        assert "run/manifest.json: not valid JSON" in refused("run", "resume=run")

    def test_takes_a_manifest_of_its_own_time(self, run, refused):
        self.changed(run, schema=2)
        assert "Upgrade the harness to read it." in refused("run", "resume=run")

    @pytest.mark.parametrize("change", [{"plan_hash": "0" * 16}, {"rounds": 2}, {"device": "cuda"}])
    def test_takes_the_plan_that_there_was(self, run, refused, change):
        self.changed(run, **change)
        assert "plans other blocks than the one that started the run" in refused(
            "run", "resume=run"
        )

    def test_takes_the_components_that_there_were(self, run, refused):
        suite = json.loads((run / MANIFEST).read_text())["suite"]
        suite["pair"][0]["method"] = "vanished_maml"
        self.changed(run, suite=suite)
        assert "unknown method or baseline 'vanished_maml'" in refused("run", "resume=run")

    def test_takes_the_plugins_and_data_that_there_were(self, run, refused):
        self.changed(run, plugins=["gone.py"])
        assert "this run used plugin=gone.py. Name it again." in refused("run", "resume=run")
        self.changed(run, plugins=[], data_dir=True)
        assert "this run used a data_dir=. Name it again." in refused("run", "resume=run")

    def test_finds_a_damaged_record_before_it_measures(self, run, capsys):
        lines = (run / RECORDS).read_text().splitlines(keepends=True)
        (run / RECORDS).write_text("".join([*lines[:4], "damage\n", *lines[4:]]))
        assert main(["run", "resume=run"]) == 2
        shown = capsys.readouterr()
        assert "error: run/records.jsonl, line 5: not valid JSON" in shown.err
        assert "Traceback" not in shown.err

    def test_waits_for_nobody_who_is_still_writing(self, run, capsys):
        with Store.open(run).writing():
            assert main(["run", "resume=run"]) == 2
        assert "error: run: another process is writing to this run." in capsys.readouterr().err


class FakeEngine:
    """An engine whose workers all fail, and which can be interrupted."""

    error: BaseException | None = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def call(self, function, text, limit_s, imports):
        if function.endswith("probe_text"):
            return Answer('{"cpu": null, "gpus": 0}', 0, 0, "")
        if self.error is not None:
            raise self.error
        return Answer("", 1, 0, "it fell over")


class TestRunning:
    @pytest.fixture
    def engine(self, here, monkeypatch):
        monkeypatch.setattr("harness.measure.engines.local.LocalEngine", FakeEngine)
        monkeypatch.setattr("harness.cli._write_report", lambda folder: print(f"report: {folder}"))
        return FakeEngine

    def test_says_what_it_will_do_and_where_and_what_came_of_it(self, engine, here, capsys):
        assert main(["run", "suite=mine.toml", "out=run"]) == 4
        shown = capsys.readouterr()
        assert "records go to run\n" in shown.err
        assert "  fast: batched_maml against reference_maml on sinusoid" in shown.err
        assert "24 blocks, about " in shown.err
        assert "failed" in shown.err or "died" in shown.err
        assert shown.err.endswith("error: nothing was measured; the report says why.\n")
        assert shown.out == "report: run\n"
        assert len(Store.open(here / "run").records()) == 24

    def test_writes_down_its_command_without_this_machines_folders(self, engine, here):
        words = [f"suite={here}/mine.toml", f"out={here}/run", f"plugin={here}/mine.py", "rounds=1"]
        main(["run", *words, f"data_dir={here}", "threads=1"])
        assert Store.open(here / "run").manifest.command == (
            "python -m harness run suite=mine.toml plugin=mine.py rounds=1 "
            "data_dir=DATA_DIR threads=1"
        )
        assert str(here) not in (here / "run" / MANIFEST).read_text()
        assert str(here) not in (here / "run" / RECORDS).read_text()

    def test_may_be_interrupted(self, engine, here, capsys, monkeypatch):
        monkeypatch.setattr(engine, "error", KeyboardInterrupt())
        assert main(["run", "suite=mine.toml", "out=run"]) == 130
        assert "records are whole: go on with resume=." in capsys.readouterr().err
        assert Store.open(here / "run").records() == []

    def test_says_so_when_the_disk_is_full(self, engine, here, capsys, monkeypatch):
        real = os.write
        appended: list[int] = []

        def write(file, data):
            appended.append(file)
            if len(appended) > 3:
                raise OSError(28, "No space left on device")
            return real(file, data)

        monkeypatch.setattr("harness.records.store.os.write", write)
        assert main(["run", "suite=mine.toml", "out=run"]) == 2
        assert "error: run/records.jsonl: No space left on device." in capsys.readouterr().err
        assert len(Store.open(here / "run").records()) == 3

    def test_refuses_a_gpu_that_is_not_there(self, engine, here, refused, monkeypatch):
        monkeypatch.setattr(
            engine, "call", lambda *call: Answer('{"torch": "2.13.0", "gpus": 0}', 0, 0, "")
        )
        message = refused("run", "suite=mine.toml", "out=run", "device=cuda")
        assert message.startswith("device=cuda: torch 2.13.0 sees 0 CUDA devices here.")
        assert not (here / "run").exists()


def test_a_report_tells_of_a_torn_record(here, capsys):
    shutil.copytree(FIXTURE, here / "run")
    with (here / "run" / RECORDS).open("a") as file:
        file.write('{"block": "torn')
    assert main(["report", "run"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "note: run/records.jsonl: the last record was torn and is left out.\n"
    assert shown.out.endswith("report: run/report.pdf and report.html beside it\n")
    assert (here / "run" / "report.pdf").read_bytes().startswith(b"%PDF")


class TestAHistory:
    @pytest.fixture
    def history(self, here) -> Path:
        found = [timed(number, 1.1 if number == 5 else 1.0) for number in range(1, 11)]
        append(here / "history.jsonl", found)
        return here / "history.jsonl"

    def test_is_drawn_into_a_folder_beside_it(self, history, said):
        shown = said("report", "history.jsonl")
        assert "slower" in shown
        assert shown.endswith("report: history-report/report.pdf and report.html beside it\n")
        made = {str(p.relative_to(history.parent)) for p in history.parent.glob("history-report/*")}
        assert {Path(name).name for name in made} == {
            "changes.json",
            "figures",
            "report.html",
            "report.pdf",
        }

    def test_is_told_to_machines(self, history, said):
        told = json.loads(said("report", "history.jsonl", "--json"))
        assert [len(series["changes"]) for series in told["series"]] == [1]

    def test_that_was_torn_is_drawn_without_its_last_line(self, history, capsys):
        with history.open("ab") as file:
            file.write(b'{"commit": "to')
        assert main(["report", "history.jsonl"]) == 0
        expected = "note: history.jsonl: the last line was torn and is left out.\n"
        assert capsys.readouterr().err == expected

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "history.jsonl: No such file or directory"),
            (b"", "history.jsonl: holds no line of a gate"),
            (b"\x00\xff\n", "history.jsonl, line 1: not valid JSON"),
            (b'{"block": "a", "schema": 1}\n', "history.jsonl, line 1"),
            (b'{"schema": 99}\n', "line 1: schema 99 is not the schema 1"),
        ],
    )
    def test_that_is_none_is_refused(self, here, refused, content, words):
        if content is not None:
            (here / "history.jsonl").write_bytes(content)
        assert words in refused("report", "history.jsonl")
        assert not (here / "history-report").exists()

    def test_is_not_taken_for_a_run_nor_a_run_for_one(self, here, refused):
        shutil.copytree(FIXTURE, here / "run")
        assert "Name a run folder" in refused("report", ".")
        assert "records.jsonl, line 1" in refused("report", "run/records.jsonl")


def test_a_runs_verdicts_are_told_to_machines(here, said):
    shutil.copytree(FIXTURE, here / "run")
    told = json.loads(said("report", "run", "--json"))
    assert told == json.loads((here / "run" / "claims.json").read_text())


class TestComparing:
    @pytest.fixture
    def runs(self, here) -> Path:
        for name in ("before", "after"):
            shutil.copytree(FIXTURE, here / name)
        return here

    def test_takes_two_runs(self, runs, capsys):
        code = main(["compare", "before", "after", "--json"])
        shown = capsys.readouterr()
        assert json.loads(shown.out)["exit_code"] == code
        assert shown.err == ""

    def test_tells_of_a_torn_record(self, runs, capsys):
        with (runs / "after" / RECORDS).open("a") as file:
            file.write('{"block": "torn')
        main(["compare", "before", "after"])
        assert "note: after/records.jsonl: the last record was torn" in capsys.readouterr().err

    def test_never_takes_damage_for_a_regression(self, runs, refused):
        lines = len((runs / "after" / RECORDS).read_text().splitlines())
        with (runs / "after" / RECORDS).open("a") as file:
            file.write("damage\n")
        assert f"after/records.jsonl, line {lines + 1}: not valid JSON" in refused(
            "compare", "before", "after"
        )
