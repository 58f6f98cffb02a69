"""A run folder: records are appended whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.records.store import (
    MANIFEST,
    RECORDS,
    TORN,
    Store,
    require_fresh,
)
from tests.records.made import make_manifest
from tests.records.stores import (
    FIRST,
    SECOND,
    THIRD,
    as_a_nobody,
    records_file,
    refusal,
    with_files_of,
)


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

    def test_takes_the_place_of_a_start_that_was_killed_before_it_had_a_manifest(self, tmp_path):
        (tmp_path / RECORDS).touch()
        (tmp_path / f".{MANIFEST}.draft").write_text('{"half": ')
        store = Store.create(tmp_path, make_manifest())
        assert Store.open(tmp_path).manifest == store.manifest
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([RECORDS, MANIFEST])

    def test_does_not_take_records_whose_manifest_is_lost(self, tmp_path):
        (tmp_path / RECORDS).write_text("{}")
        assert "the folder is not empty" in refusal(Store.create, tmp_path, make_manifest())
        assert (tmp_path / RECORDS).read_text() == "{}"

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


def test_a_pipe_or_a_device_is_not_read_to_its_end(store):
    records_file(store).unlink()
    os.mkfifo(records_file(store))
    assert "not a file" in refusal(store.records)
