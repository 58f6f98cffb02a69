"""The files of a gate: refused before measuring, and never in the way of what was found."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.errors import UsageError
from harness.gate import config as gate_config
from harness.gate import two_trees as gate
from harness.gate.findings import GateReport
from harness.gate.two_trees import require_writable, write
from harness.records import store
from tests.gate.test_show import SLOWER, found, report


def config(*words: str) -> gate_config.GateConfig:
    return gate_config.gate_config(["base=main", *words])


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[GateReport]:
    """Let a gate find what the list's last report says, without measuring."""
    found_: list[GateReport] = [report(found("same"))]
    monkeypatch.setattr(gate, "gate", lambda *_: found_[-1])
    return found_


@pytest.mark.parametrize("name", ["markdown", "junit", "history"])
def test_what_is_no_file_is_refused_before_anything_is_measured(name: str):
    with pytest.raises(UsageError, match=f"{name}=/dev/null: not a file"):
        require_writable(config(f"{name}=/dev/null"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("junit=/nowhere/at/all.xml", "No such file or directory. Name a file in a folder"),
        ("markdown=.", "not a file. Name a file in a folder"),
    ],
)
def test_where_no_file_can_be_is_refused_with_a_word_about_what_to_do(word: str, said: str):
    with pytest.raises(UsageError, match=f"{word}: {said}") as refused:
        require_writable(config(word))
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("name", ["markdown", "junit", "history"])
def test_a_name_that_no_file_can_have_is_refused(name: str, tmp_path: Path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(UsageError, match="too long"):
        require_writable(config(f"{name}={path}"))


def test_looking_leaves_no_file_and_changes_none(tmp_path: Path):
    (tmp_path / "a.md").write_text("before")
    require_writable(
        config(f"markdown={tmp_path}/a.md", f"junit={tmp_path}/b", f"history={tmp_path}/c")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").read_text() == "before"


def test_two_words_for_one_file_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="Name a different file for each"):
        config(f"markdown={tmp_path}/a", f"junit={tmp_path}/./a")


@pytest.mark.parametrize(("finding", "code"), [(found("same"), 2), (SLOWER, 1)])
def test_a_full_disk_keeps_no_verdict_from_being_told(
    measured: list[GateReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    finding: Any,
    code: int,
):
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(store, "_replace", full)
    measured.append(report(finding))
    files = (f"markdown={tmp_path}/a.md", f"junit={tmp_path}/a.xml")
    assert cli.main(["gate", "base=main", *files]) == code
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] in ("Passed: nothing is worse.", "Regressed.")
    assert told.err.count("No space left on device. Name a file") == 2


def test_one_file_that_is_lost_does_not_stop_the_others(tmp_path: Path):
    made = config(f"markdown={tmp_path}/a.md", f"junit={tmp_path}/a.xml")
    (tmp_path / "a.md").mkdir()
    (lost,) = write(report(found("same")), made)
    assert "a.md" in str(lost)
    assert (tmp_path / "a.xml").is_file()


def test_a_signal_to_end_unwinds_and_keeps_its_exit_code(monkeypatch: pytest.MonkeyPatch):
    unwound: list[str] = []

    def ended(*_: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            unwound.append("all")

    monkeypatch.setattr(gate, "gate", ended)
    assert cli.main(["gate", "base=main"]) == 143
    assert unwound == ["all"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
