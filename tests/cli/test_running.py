"""`run`: its folder, what it resumes, what it says and how it ends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.config import RunConfig
from harness.measure.engines.engine import ANY, Answer, Engine
from harness.measure.plan import plan, plan_hash
from harness.measure.probes import run_probes
from harness.records.store import MANIFEST, RECORDS, Store
from harness.registry import Registry
from tests.declare.suites import CLAIM as ANY_CLAIM
from tests.records.made import FIXTURE, PASSES

CLAIM = ANY_CLAIM.format(name="twice")


class TestTheRunFolder:
    @pytest.mark.parametrize(
        ("out", "message"),
        [
            ("full", "out=full: the folder is not empty. Name a new or empty folder"),
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
        blocks = plan(manifest.suite, config, Registry())
        suite = json.loads((here / "run" / MANIFEST).read_text())["suite"]
        self.changed(
            here / "run",
            plan_hash=plan_hash(blocks),
            probes=run_probes(),
            suite=suite | {"verdicts": False},
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
        self.changed(run, schema=99)
        assert "Upgrade the harness to read it." in refused("run", "resume=run")

    @pytest.mark.parametrize("change", [{"plan_hash": "0" * 16}, {"rounds": 2}, {"device": "cuda"}])
    def test_takes_the_plan_that_there_was(self, run, refused, change):
        self.changed(run, **change)
        assert "plans different blocks from the version that started the run" in refused(
            "run", "resume=run"
        )

    def test_takes_the_components_that_there_were(self, run, refused):
        suite = json.loads((run / MANIFEST).read_text())["suite"]
        suite["pair"][0]["method"] = "vanished_maml"
        self.changed(run, suite=suite)
        assert "unknown method or baseline 'vanished_maml'" in refused("run", "resume=run")

    def test_takes_the_plugins_and_data_that_there_were(self, run, refused):
        self.changed(run, plugins=["gone.py"])
        assert "this run used plugin=gone.py. Give it again." in refused("run", "resume=run")
        self.changed(run, plugins=[], data_dir=True)
        assert "this run used a data_dir=. Give it again." in refused("run", "resume=run")

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


class FakeEngine(Engine):
    """An engine whose workers all fail, and which can be interrupted."""

    error: BaseException | None = None

    def call_ranks(self, function, text, limit_s, imports, ranks, resources=ANY):
        if function.endswith("probe_text"):
            return [Answer('{"cpu": null, "gpus": 0}', 0, 0, "")]
        if self.error is not None:
            raise self.error
        return [Answer("", 1, 0, "it fell over")] * (ranks or 1)


class TestRunning:
    @pytest.fixture
    def engine(self, here, monkeypatch):
        monkeypatch.setattr("harness.measure.engines.local.LocalEngine", FakeEngine)
        monkeypatch.setattr(
            "harness.commands.measuring.write_report",
            lambda folder, plugins: print(f"report: {folder}"),
        )
        return FakeEngine

    def test_says_what_it_will_do_and_where_and_what_came_of_it(self, engine, here, capsys):
        assert main(["run", "suite=mine.toml", "out=run"]) == 4
        shown = capsys.readouterr()
        assert "writing records to run\n" in shown.err
        assert "  fast: batched_maml against reference_maml on sinusoid" in shown.err
        assert "at most 108 blocks" in shown.err
        assert "failed" in shown.err or "died" in shown.err
        assert shown.err.endswith("error: nothing was measured; the report says why.\n")
        assert shown.out == "report: run\n"
        assert len(Store.open(here / "run").records(PASSES)) == 108

    def test_says_that_it_makes_many_learners_before_anything_is_written(
        self, engine, here, capsys, monkeypatch
    ):
        monkeypatch.setattr("harness.measure.preparation.FEW_LOOKS", 1)
        main(["run", "suite=smoke", "out=run", "rounds=1", "seeds=1"])
        first, _, then = capsys.readouterr().err.partition(", to find what is wrong before the run")
        assert first.startswith("note: making each of ")
        assert "writing records to run" in then

    def test_writes_down_its_command_without_this_machines_folders(self, engine, here):
        words = [f"suite={here}/mine.toml", f"out={here}/run", f"plugin={here}/mine.py", "rounds=1"]
        main(["run", *words, f"data_dir={here}", "threads=1"])
        assert Store.open(here / "run").manifest.command == (
            "python -m harness run suite=mine.toml plugin=mine.py rounds=1 "
            "data_dir=DATA_DIR threads=1"
        )
        assert str(here) not in (here / "run" / MANIFEST).read_text()
        assert str(here) not in (here / "run" / RECORDS).read_text()

    def test_keeps_the_claims_that_the_suite_brings_and_resumes_with_them(self, engine, here):
        own = (here / "mine.toml").read_text() + 'claims = ["twice"]\n' + CLAIM
        (here / "mine.toml").write_text(own)
        assert main(["run", "suite=mine.toml", "out=run"]) == 4
        manifest = Store.open(here / "run").manifest
        assert [claim.name for claim in manifest.claims] == ["twice"]
        (here / "mine.toml").unlink()
        assert main(["run", "resume=run"]) == 4

    def test_may_be_interrupted(self, engine, here, capsys, monkeypatch):
        monkeypatch.setattr(engine, "error", KeyboardInterrupt())
        assert main(["run", "suite=mine.toml", "out=run"]) == 130
        assert "The records so far are kept: go on with resume=." in capsys.readouterr().err
        assert Store.open(here / "run").records(PASSES) == []

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
        rounds_of_three_members = 3
        assert len(Store.open(here / "run").records(PASSES)) == 3 * rounds_of_three_members

    def test_refuses_a_gpu_that_is_not_there(self, engine, here, refused, monkeypatch):
        monkeypatch.setattr(
            engine, "call", lambda *call: Answer('{"torch": "2.13.0", "gpus": 0}', 0, 0, "")
        )
        message = refused("run", "suite=mine.toml", "out=run", "device=cuda")
        assert message.startswith("device=cuda: torch 2.13.0 sees 0 CUDA devices here.")
        assert not (here / "run").exists()
