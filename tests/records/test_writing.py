"""What is written is written whole or not at all: two writers, a full disk, a link of others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import StoreError, UsageError
from harness.records.store import (
    RECORDS,
    TORN,
    Store,
    replace_file,
)
from tests.command import python
from tests.records.stores import FIRST, IMPORTS, SECOND, THIRD, records_file, with_files_of


class TestTwoWriters:
    def test_are_one_too_many(self, store):
        with store.writing() as writer:
            second = Store.open(store.folder)
            with pytest.raises(UsageError, match="another process is writing to this run"):
                second.writing().__enter__()
            writer.append(THIRD)
        with second.writing() as writer:
            writer.append(THIRD)
        assert store.records() == [FIRST, SECOND, THIRD, THIRD]

    def test_do_not_meet_across_processes_either(self, store):
        code = f"with Store.open(Path({str(store.folder)!r})).writing(): pass"
        with store.writing():
            done = python("-c", IMPORTS + code)
            assert (
                f"UsageError: {store.folder}: another process is writing to this run" in done.stderr
            )
        assert python("-c", IMPORTS + code).returncode == 0

    def test_do_not_meet_where_the_first_was_killed(self, store):
        code = (
            f"with Store.open(Path({str(store.folder)!r})).writing() as writer:\n"
            "    writer.append(make_record(2))\n"
            "    os.kill(os.getpid(), 9)\n"
        )
        assert python("-c", IMPORTS + code).returncode == -9
        with store.writing():
            assert store.records() == [FIRST, SECOND, THIRD]

    def test_are_not_suspected_where_the_lock_fails_otherwise(self, store, monkeypatch):
        def no_locks(file, how):
            raise OSError(37, "No locks available")

        monkeypatch.setattr("fcntl.flock", no_locks)
        with pytest.raises(StoreError, match=f"{RECORDS}: No locks available"):
            store.writing().__enter__()


def test_an_error_of_whoever_writes_is_not_taken_for_the_stores(store):
    with pytest.raises(BrokenPipeError), store.writing():
        raise BrokenPipeError
    with pytest.raises(FileNotFoundError), store.writing():
        (store.folder / "absent").read_bytes()
    with store.writing() as writer:  # and the lock was let go
        writer.append(THIRD)


class TestAFullDisk:
    def test_leaves_the_records_whole_and_says_so(self, store):
        before = records_file(store).read_bytes()
        room = len(before) + 10  # a part of the next record fits
        done = with_files_of(
            room,
            f"with Store.open(Path({str(store.folder)!r})).writing() as writer:\n"
            "    writer.append(make_record(2))",
        )
        assert (
            f"StoreError: {records_file(store)}: File too large. All earlier records are kept. "
            "Correct this, then use resume="
        ) in done.stderr
        assert records_file(store).read_bytes() == before

    def test_lets_the_run_go_on_once_there_is_room(self, store):
        with_files_of(
            records_file(store).stat().st_size + 10,
            f"with Store.open(Path({str(store.folder)!r})).writing() as writer:\n"
            "    writer.append(make_record(2))",
        )
        with store.writing() as writer:
            writer.append(THIRD)
        assert store.notes == ()
        assert store.records() == [FIRST, SECOND, THIRD]

    @pytest.mark.parametrize("failing", ["write", "fsync"])
    def test_may_be_noticed_late(self, store, monkeypatch, failing):
        real = getattr(os, failing)

        def full(file, *rest):
            if failing == "write":
                real(file, bytes(rest[0])[:7])
            raise OSError(28, "No space left on device")

        before = records_file(store).read_bytes()
        with store.writing() as writer:
            monkeypatch.setattr(os, failing, full)
            with pytest.raises(StoreError, match="No space left on device"):
                writer.append(THIRD)
            monkeypatch.undo()
            assert records_file(store).read_bytes() == before
            writer.append(THIRD)
        assert store.records() == [FIRST, SECOND, THIRD]

    def test_may_take_a_record_in_parts(self, store, monkeypatch):
        real = os.write
        monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data)[:100]))
        with store.writing() as writer:
            writer.append(THIRD)
        assert store.records() == [FIRST, SECOND, THIRD]

    def test_loses_no_torn_line_that_there_is_no_room_for(self, store):
        with records_file(store).open("ab") as file:
            file.write(b"x" * 200)
        before = records_file(store).read_bytes()
        done = with_files_of(100, f"Store.open(Path({str(store.folder)!r})).writing().__enter__()")
        assert "StoreError: " in done.stderr
        assert "File too large" in done.stderr
        assert records_file(store).read_bytes() == before


class TestReplacingAFile:
    def test_writes_it_whole(self, tmp_path):
        path = tmp_path / "file"
        replace_file(path, b"one")
        replace_file(path, b"two")
        assert path.read_bytes() == b"two"
        assert list(tmp_path.iterdir()) == [path]

    def test_leaves_the_old_one_where_there_is_no_room(self, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"old")
        done = with_files_of(10, f"replace_file(Path({str(path)!r}), b'x' * 20)")
        assert f"StoreError: {path}: File too large." in done.stderr
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


class TestALinkInARunOfOthers:
    """Where it leads, nothing is written: it may be anybody's file."""

    @pytest.fixture
    def theirs(self, tmp_path) -> Path:
        (tmp_path / "theirs").write_text("their own")
        return tmp_path / "theirs"

    def test_is_not_appended_to(self, store, theirs):
        records_file(store).rename(store.folder / "elsewhere")
        records_file(store).symlink_to(theirs)
        with pytest.raises(UsageError, match="a link, behind which nothing is written"):
            store.writing().__enter__()
        assert theirs.read_text() == "their own"

    def test_takes_no_torn_line(self, store, theirs):
        with records_file(store).open("a") as file:
            file.write("torn")
        (store.folder / TORN).symlink_to(theirs)
        with pytest.raises(StoreError, match="records.jsonl"):
            store.writing().__enter__()
        assert theirs.read_text() == "their own"

    def test_is_no_draft(self, store, theirs):
        (store.folder / ".report.html.draft").symlink_to(theirs)
        with pytest.raises(StoreError, match="report.html"):
            replace_file(store.folder / "report.html", b"new")
        replace_file(store.folder / "report.html", b"new")  # the link has been removed
        assert theirs.read_text() == "their own"
        assert (store.folder / "report.html").read_bytes() == b"new"
