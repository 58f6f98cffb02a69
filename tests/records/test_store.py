"""A run folder: records are appended whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StoreError, UsageError
from harness.records.store import (
    MANIFEST,
    RECORDS,
    TORN,
    Store,
    replace_file,
    require_fresh,
)
from tests.command import python
from tests.records.made import make_manifest, make_record

FIRST, SECOND, THIRD = (make_record(number) for number in range(3))


@pytest.fixture
def store(tmp_path) -> Store:
    """Return a run with two records."""
    made = Store.create(tmp_path / "run", make_manifest())
    with made.writing() as writer:
        writer.append(FIRST)
        writer.append(SECOND)
    return made


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that is not, as pytest's are, closed to all other users."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.getuid() == 0 and not all(parent.stat().st_mode & 1 for parent in folder.parents):
            pytest.skip("temporary files lie where the superuser alone may look")
        yield folder


def records_file(store: Store) -> Path:
    return store.folder / RECORDS


def refusal(function, *arguments) -> str:
    with pytest.raises(UsageError) as refused:
        function(*arguments)
    return str(refused.value)


class TestARun:
    def test_is_a_manifest_and_records(self, store):
        assert sorted(path.name for path in store.folder.iterdir()) == [MANIFEST, RECORDS]
        again = Store.open(store.folder)
        assert again.manifest == make_manifest()
        assert again.records() == [FIRST, SECOND]
        assert again.notes == ()

    def test_is_there_before_its_first_record(self, tmp_path):
        Store.create(tmp_path / "a" / "b", make_manifest())
        assert Store.open(tmp_path / "a" / "b").records() == []

    def test_goes_on_where_it_ended(self, store):
        with Store.open(store.folder).writing() as writer:
            writer.append(THIRD)
        assert store.records() == [FIRST, SECOND, THIRD]

    def test_is_on_disk_after_every_record(self, store):
        with store.writing() as writer:
            writer.append(THIRD)
            assert Store.open(store.folder).records()[-1] == THIRD

    def test_may_be_read_while_it_is_written(self, store):
        with store.writing():
            assert Store.open(store.folder).records() == [FIRST, SECOND]


class TestANewRun:
    @pytest.mark.parametrize("folder", ["new", "new/below", "."])
    def test_takes_a_new_or_an_empty_folder(self, tmp_path, folder):
        require_fresh(tmp_path / folder)

    def test_does_not_take_a_folder_with_something_in_it(self, tmp_path):
        (tmp_path / "letter").touch()
        message = refusal(Store.create, tmp_path, make_manifest())
        assert message.startswith(
            f"out={tmp_path}: the folder is not empty. Name a new or empty folder"
        )
        assert "resume" not in message  # there is no run in it
        assert [path.name for path in tmp_path.iterdir()] == ["letter"]

    def test_says_how_to_go_on_with_the_run_that_is_there(self, store):
        message = refusal(Store.create, store.folder, make_manifest())
        assert message == (
            f"out={store.folder}: the folder already holds a run. Name a new or empty folder, "
            f"or finish the run with resume={store.folder}."
        )
        assert store.records() == [FIRST, SECOND]

    @pytest.mark.parametrize("folder", ["letter", "letter/below", "letter/below/that"])
    def test_does_not_take_a_files_place(self, tmp_path, folder):
        (tmp_path / "letter").touch(mode=0o777)
        message = refusal(Store.create, tmp_path / folder, make_manifest())
        assert message.startswith(f"out={tmp_path / folder}: {tmp_path / 'letter'} is a file. Name")

    @pytest.mark.parametrize("folder", ["/proc/no/such", "/dev/null/run", f"/tmp/{'x' * 300}"])
    def test_says_so_where_no_folder_can_be(self, folder):
        message = refusal(Store.create, Path(folder), make_manifest())
        assert message.startswith(f"out={folder}: ")
        assert message.endswith("Name a new or empty folder with free space, where you may write.")

    def test_says_so_where_the_user_may_not_write(self, public):
        public.chmod(0o555)
        done = as_a_nobody(f"require_fresh(Path({str(public / 'run')!r}))")
        assert (
            f"UsageError: out={public / 'run'}: no permission to write in {public}. Name"
            in done.stderr
        )

    def test_says_so_where_the_user_may_not_look(self, public):
        (public / "hidden").mkdir(mode=0o000)
        done = as_a_nobody(f"require_fresh(Path({str(public / 'hidden/run')!r}))")
        assert f"StoreError: out={public / 'hidden/run'}: Permission denied. Name" in done.stderr

    def test_leaves_nothing_behind_where_there_is_no_room(self, tmp_path):
        done = with_files_of(100, f"Store.create(Path({str(tmp_path)!r}), make_manifest())")
        assert (
            f"StoreError: out={tmp_path}: File too large. Name a new or empty folder" in done.stderr
        )
        assert list(tmp_path.iterdir()) == []
        Store.create(tmp_path, make_manifest())


class TestWhatIsNoRun:
    def test_is_refused(self, tmp_path):
        message = refusal(Store.open, tmp_path)
        assert message.startswith(
            f"{tmp_path}: not a run (it has no {MANIFEST}). Name a run folder"
        )

    @pytest.mark.parametrize("folder", ["absent", "letter", "x" * 300])
    def test_may_not_be_a_folder_at_all(self, tmp_path, folder):
        (tmp_path / "letter").touch()
        assert str(tmp_path / folder) in refusal(Store.open, tmp_path / folder)

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff", b"[]", b"null"])
    def test_has_a_damaged_manifest(self, store, content):
        (store.folder / MANIFEST).write_bytes(content)
        message = refusal(Store.open, store.folder)
        assert message.startswith(f"{store.folder / MANIFEST}: ")
        assert "damaged" in message

    def test_has_lost_its_records(self, store):
        records_file(store).unlink()
        message = refusal(store.records)
        assert message.startswith(f"{records_file(store)}: No such file or directory.")
        assert "All earlier records are kept" not in message


class TestADamagedRecord:
    @pytest.mark.parametrize("damage", [b"", b"{}", b'{"block": ', b"\xff\xfe", b"\0\0\0"])
    def test_in_the_middle_is_named_by_its_line(self, store, damage):
        lines = records_file(store).read_bytes().split(b"\n")
        records_file(store).write_bytes(b"\n".join([lines[0], damage, *lines[1:]]))
        message = refusal(store.records)
        assert message.startswith(f"{records_file(store)}, line 2: ")
        assert "damaged" in message

    def test_is_found_before_anything_is_written(self, store):
        records_file(store).write_bytes(b"\xff\n" + records_file(store).read_bytes())
        before = records_file(store).read_bytes()
        with store.writing():
            assert "line 1: not valid JSON" in refusal(store.records)
        assert records_file(store).read_bytes() == before


class TestATornLastLine:
    @pytest.mark.parametrize("torn", [b'{"block": "pai', b"{", b"\0\0\0\0", b"\xff"])
    def test_is_left_out_when_it_is_read(self, store, torn):
        with records_file(store).open("ab") as file:
            file.write(torn)
        assert store.records() == [FIRST, SECOND]
        assert store.records() == [FIRST, SECOND]
        (note,) = store.notes  # one word is enough
        assert note == f"{records_file(store)}: the last record is incomplete and was left out."
        assert records_file(store).read_bytes().endswith(torn)

    @pytest.mark.parametrize("torn", [b'{"block": "pai', b"{", b"\0\0\0\0", b"\xff"])
    def test_is_set_aside_when_it_is_written_on(self, store, torn):
        with records_file(store).open("ab") as file:
            file.write(torn)
        with store.writing() as writer:
            (note,) = store.notes
            writer.append(THIRD)
        assert f"the last record was incomplete; it was moved to {TORN}" in note
        assert store.records() == [FIRST, SECOND, THIRD]
        assert (store.folder / TORN).read_bytes() == torn + b"\n"

    def test_may_be_all_that_there_is(self, store):
        records_file(store).write_bytes(b'{"block"')
        with store.writing() as writer:
            writer.append(FIRST)
        assert store.records() == [FIRST]

    def test_is_kept_beside_those_before_it(self, store):
        for torn in (b"one", b"two"):
            with records_file(store).open("ab") as file:
                file.write(torn)
            with store.writing():
                pass
        assert (store.folder / TORN).read_bytes() == b"one\ntwo\n"

    def test_is_never_one_that_was_written_whole(self, store):
        with store.writing():
            pass
        assert store.notes == ()
        assert not (store.folder / TORN).exists()
        assert store.records() == [FIRST, SECOND]


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


IMPORTS = (
    "import os\nfrom pathlib import Path\n"
    "from harness.records.store import Store, replace_file, require_fresh\n"
    "from tests.records.made import make_manifest, make_record\n"
)


def with_files_of(most: int, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose files can't grow beyond so many bytes."""
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
    return python("-B", "-c", IMPORTS + limit + code)


def as_a_nobody(code: str) -> subprocess.CompletedProcess[str]:
    """Run code as a user who is not the superuser, to whom nothing is forbidden."""
    leave = "import os\nif os.getuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n"
    return python("-c", IMPORTS + leave + code)


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


def test_a_pipe_or_a_device_is_not_read_to_its_end(store):
    records_file(store).unlink()
    os.mkfifo(records_file(store))
    assert "not a file" in refusal(store.records)
