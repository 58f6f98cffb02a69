"""A folder of one's own, and how the command line answers in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import main
from tests.cli.own import METHOD, SUITE


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
