"""Temporary folders: told from leftovers whatever the numbers of processes are."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import temporary
from harness.errors import UsageError
from harness.temporary import PREFIX, remove_leftovers, temporary_folder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "SHORT", tmp_path)
    return tmp_path


def test_a_folder_in_use_stays_and_one_that_nobody_holds_goes(place: Path):
    left = place / f"{PREFIX}left"
    (left / "tree").mkdir(parents=True)
    with temporary_folder() as used:
        assert remove_leftovers()
        assert used.is_dir()
        assert not left.exists()
        assert not remove_leftovers()
    assert not list(place.iterdir())


def test_what_only_looks_like_a_leftover_stays(place: Path):
    precious = place / "precious"
    precious.mkdir()
    (place / f"{PREFIX}link").symlink_to(precious)
    (place / f"{PREFIX}file").touch()
    assert not remove_leftovers()
    assert not list(precious.iterdir())


def test_folders_are_made_and_leftovers_looked_for_at_once(place: Path):
    def once(number: int) -> None:
        with temporary_folder() as folder:
            (folder / "used").write_text(str(number))
            remove_leftovers()
            assert (folder / "used").read_text() == str(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(once, range(200)))
    assert not list(place.iterdir())


def test_sockets_go_where_paths_are_short(place: Path, monkeypatch: pytest.MonkeyPatch):
    long = place / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(temporary, "SHORT", short)
    with temporary_folder(for_sockets=True) as folder:
        assert folder.parent == short
    with temporary_folder() as folder:
        assert folder.parent == long
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="TMPDIR=.*too long"), temporary_folder(for_sockets=True):
        pass
    short.rmdir()
