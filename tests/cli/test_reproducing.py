"""`reproduce`: a run is sent as a pack, measured again from it, and held to it figure by figure."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import nullcontext

import pytest

from harness.cli import main
from harness.commands import reproducing
from harness.config import run_config
from harness.measure.engines.local import LocalEngine
from harness.measure.preparation import prepare
from harness.measure.progress import progress_for
from harness.records.manifest import hashes_of
from harness.records.store import MANIFEST
from harness.running import measure_whole
from tests.cli.own import METHOD
from tests.records.made import FIXTURE

SUITE = """
name = "tiny"
summary = "What repeats exactly"
verdicts = false

[protocol]
seeds = 1
rounds = 1

[[pair]]
name = "batched"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how tasks are computed"
passes = ["operations", "memory"]
settings = { meta_batch = 2 }
"""


@pytest.mark.slow
def test_a_pack_is_measured_again_and_agrees(here, capsys, monkeypatch):
    (here / "tiny.toml").write_text(SUITE)
    config = run_config(["suite=tiny.toml", "out=first", "threads=1"])
    with LocalEngine() as engine:  # one for both runs, since it takes seconds to start
        monkeypatch.setattr(reproducing, "engine_of", lambda *_: nullcontext(engine))
        first = prepare(config, "python -m harness run suite=tiny.toml", engine)
        measure_whole(first, engine, progress_for(io.StringIO()))
        assert main(["pack", "first"]) == 0
        capsys.readouterr()
        assert main(["reproduce", "first.zip", "out=second", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plan"] is None
    assert {figure["word"] for figure in told["figures"]} == {"agrees"}
    assert {figure["measure"] for figure in told["figures"]} >= {"flops", "peak_bytes"}
    assert json.loads((here / "second" / "reproduction" / "reproduction.json").read_text()) == told
    assert (here / "second" / "report.html").is_file()
    manifests = [json.loads((here / run / MANIFEST).read_text()) for run in ("first", "second")]
    assert manifests[1]["command"] == "python -m harness reproduce first.zip"
    assert manifests[0]["plan"] == manifests[1]["plan"]
    assert main(["reproduce", "first", "with=second"]) == 0
    assert "Reproduced: everything that could be compared agrees." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["with=run", "budget=1m"], "with= measures nothing: leave out budget."),
        (["seeds=3"], "unknown option 'seeds'"),
        (["out=full"], "out=full: the folder is not empty."),
        (["with=absent"], "absent: not a run"),
    ],
)
def test_what_cannot_be_done_is_refused(here, refused, words, said):
    shutil.copytree(FIXTURE, here / "run")
    (here / "full").mkdir()
    (here / "full" / "letter").touch()
    assert said in refused("reproduce", "run", *words)


def test_plugins_must_be_those_of_the_run_and_none_of_a_pack_runs_by_itself(here, refused, said):
    shutil.copytree(FIXTURE, here / "run")
    about = json.loads((here / "run" / MANIFEST).read_text())
    about |= {"plugins": ["mine.py"], "plugin_hashes": hashes_of(["mine.py"])}
    (here / "run" / MANIFEST).write_text(json.dumps(about))
    assert "this run used plugin=mine.py. Give it again." in refused("reproduce", "run")
    said("pack", "run", "plugin=mine.py")
    assert "then give plugin=plugins/mine.py" in refused("reproduce", "run.zip")
    (here / "mine.py").write_text(METHOD.format(name="other"))
    told = refused("reproduce", "run.zip", "plugin=mine.py")
    assert "these are not the plugins that the run was made with" in told
