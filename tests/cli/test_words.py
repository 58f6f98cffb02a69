"""Words that are refused, and suites and plugins of one's own."""

from __future__ import annotations

import pytest

from tests.cli.own import METHOD, SUITE
from tests.command import harness as run_harness


class TestWords:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["rn"], "unknown command 'rn' (did you mean 'run'?). Allowed: check, compare, data, "),
            ([], "the following arguments are required: COMMAND. See: python -m harness --help"),
            (["run", "--fast"], "unknown arguments: --fast. See: python -m harness --help"),
            (["probe", "now"], "unknown arguments: now"),
            (["report"], "the following arguments are required: run"),
            (["compare", "a"], "compare needs at least two runs. Write compare FOLDER FOLDER."),
            (["check"], "the following arguments are required: name"),
            (
                ["run", "suit=smoke"],
                "unknown option 'suit' (did you mean 'suite'?). Allowed: address, budget",
            ),
            (["run", "suite"], "suite= has no value. Write suite=VALUE: a suite's name, or"),
            (["run", "rounds=2", "rounds=3"], "rounds= is given twice, '2' and '3'. Keep one."),
            (["run", "rounds=two"], "rounds=two: not a whole number. Write rounds=3, for example."),
            (["run", "threads=0"], "threads=0: must be from 1 to 1024."),
            (["run", "seeds=1,1"], "seeds=1,1: the same seed twice."),
            (["run", "device=gpu"], "unknown device 'gpu'"),
            (["run", "data_dir=absent"], "data_dir=absent: no such folder."),
            (
                ["run", "suite=smok"],
                "unknown suite 'smok' (did you mean 'smoke'?). Allowed: clusters, distributed",
            ),
            (["run", "suite=absent.toml"], "suite=absent.toml: no such file. Give the path"),
            (["run", "suite=smoke", "pairs=batched-sinusoi"], "(did you mean 'batched-sinusoid'?)"),
            (["run", "budget=15"], "budget=15: not a length of time. Write a whole number"),
            (["run", "budget=0m"], "budget=0m: not a length of time."),
            (["run", "pairs=,"], "pairs=,: empty beside a comma."),
            (["run", "resume=x", "suite=smoke"], "leave out suite, or start a new run"),
            (["run", "jobs=0"], "jobs=0: must be from 1 to 1024."),
            (["run", "engine=slrm"], "unknown engine 'slrm' (did you mean 'slurm'?). Allowed: "),
            (["run", "memory=4G"], "memory=4G: engine=local has none. Add engine=slurm or engin"),
            (["run", "engine=slurm", "memory=4"], "memory=4: not an amount of memory. Write a"),
            (["run", "engine=slurm", "address=auto"], "engine=slurm has none. Add engine=ray."),
            (["run", "engine=ray", "address=x"], "address=x: not the address of a Ray cluster."),
            (["run", "engine=slurm", "device=cuda:1"], "device=cuda:1: the cluster assigns GPUs"),
            (["run", f"suite={'x' * 300}.toml"], "File name too long"),
            (
                ["check", "batchd_maml"],
                "unknown method or baseline 'batchd_maml' (did you mean 'ba",
            ),
            (["check", "batched_maml", "--examples", "0"], "--examples=0: must be from 1 to 10000"),
            (["check", "batched_maml", "--examples", "x"], "--examples=x: not a whole number."),
            (
                ["check", "batched_maml", "plugn=x.py"],
                "unknown option 'plugn' (did you mean 'plugin'?)",
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
            ("summary", "sumary", "mine.toml: unknown setting 'sumary' (did you mean 'summary'?)"),
            ('summary = "My own"\n', "", "mine.toml: missing summary. Add it."),
            ('"My own"', "My own", "mine.toml: not valid TOML: "),
            (
                "verdicts = false",
                "verdicts = 0",
                "verdicts = 0 must be true or false",
            ),
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
            ('["step"]', '["steps"]', "pair fast: unknown pass 'steps' (did you mean 'step'?)"),
            ('"how"', '"how"\nclaims = ["none"]', "pair fast: unknown claim 'none'"),
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
            (None, "plugin=my.py: no such Python file. Give the path of a .py file."),
            ("@method('x')\nclass X(:\n", "my.py, line 2: not valid Python: "),
            ("@method('x')\0", "my.py: not valid Python: source code string cannot contain null"),
            (f"@method('x')\nclass X: y = {'-' * 100_000}1", "my.py: not valid Python: nested too"),
            ("@method('a b')\nclass X: pass\n", "my.py, line 2: @method takes one literal name"),
            (
                "x = 1\n",
                "my.py: it has no component. Put @baseline, @method, @workload, @problems or @stu",
            ),
            (METHOD.format(name="batched_maml"), "one in methods/batched_maml.py, one in my.py."),
            ("@method(NAME)\nclass X: pass\n", "my.py, line 2: @method takes one literal name"),
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
        assert message.startswith(
            "my.py: importing it failed: ZeroDivisionError: division by zero."
        )
