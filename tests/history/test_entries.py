"""A history is only ever appended to, and is read back as it was written or refused."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import threading
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.history.entries import SCHEMA, append, read, require_appendable
from tests.history.made import commit, counted, timed

ENTRIES = (timed(1), counted(1, 100, 120), timed(2, 1.1, word="regressed"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as refused:
        read(path)
    return str(refused.value)


def line(**changes: object) -> str:
    return json.dumps(dataclasses.asdict(timed(1)) | changes) + "\n"


def test_what_was_appended_is_read_back(path: Path):
    assert append(path, ENTRIES[:2]) == ()
    assert append(path, ENTRIES[2:]) == ()
    history = read(path)
    assert history.entries == ENTRIES
    assert history.notes == ()


def test_what_was_there_stays_as_it_was(path: Path):
    append(path, ENTRIES[:1])
    before = path.read_bytes()
    append(path, ENTRIES[:1])  # the same commit again is another line
    assert path.read_bytes() == before + before


def test_a_folder_that_is_not_there_is_made(tmp_path: Path):
    append(tmp_path / "a" / "b.jsonl", ENTRIES)
    assert len(read(tmp_path / "a" / "b.jsonl").entries) == 3


def test_a_torn_last_line_is_left_out_and_set_aside_by_the_next(path: Path):
    append(path, ENTRIES[:1])
    with path.open("ab") as file:
        file.write(b'{"commit": "12')
    history = read(path)
    assert history.entries == ENTRIES[:1]
    assert history.notes == (f"{path}: the last line is incomplete and was left out.",)
    (note,) = append(path, ENTRIES[1:])
    assert "incomplete; it was moved to history.jsonl.torn." in note
    assert read(path).entries == ENTRIES
    assert (path.parent / "history.jsonl.torn").read_bytes() == b'{"commit": "12\n'


def test_every_line_is_on_disk_before_appending_returns(path: Path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(path.read_bytes()), real(file)))
    append(path, ENTRIES)
    assert synced == [path.read_bytes()]


def test_a_full_disk_adds_nothing(path: Path, monkeypatch):
    append(path, ENTRIES[:1])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        append(path, ENTRIES[1:])
    assert path.read_bytes() == before


def test_gates_that_end_at_once_all_append(path: Path):
    gates = [threading.Thread(target=append, args=(path, ENTRIES)) for _ in range(8)]
    for gate in gates:
        gate.start()
    for gate in gates:
        gate.join()
    entries = read(path).entries
    assert [entries[n : n + 3] for n in range(0, 24, 3)] == [ENTRIES] * 8


def test_a_newer_schema_is_refused_with_a_word_about_upgrading(path: Path):
    path.write_text(line() + line(schema=SCHEMA + 1))
    assert refusal(path).startswith(f"{path}, line 2: schema {SCHEMA + 1} is not the schema")
    assert "Upgrade the harness" in refusal(path)


@pytest.mark.parametrize("schema", [None, 0, "1", True, 1.5])
def test_a_schema_that_never_was_is_damage(path: Path, schema: object):
    path.write_text(line(schema=schema))
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "<<<<<<< HEAD", '{"schema": 1}', "[" * 100_000]
)
def test_a_damaged_line_is_named(path: Path, text: str):
    path.write_text(f"{line()}{text}\n{line()}")
    assert refusal(path).startswith(f"{path}, line 2: ")
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "main"},
        {"commit": "<script>"},
        {"base": ""},
        {"base": commit(1)},
        {"ratio": None},
        {"ratio": -1.0},
        {"low": 2.0},
        {"high": math.inf},
        {"rounds": -1},
        {"rounds": 1.5},
        {"noise_floor": math.nan},
        {"low_error": 0.5},
        {"high_error": 0.0},
        {"committed": "yesterday"},
        {"machine": "mine"},
        {"machine": {"cpu": []}},
        {"subject": None},
        {"extra": 1},
    ],
    ids=str,
)
def test_what_no_gate_writes_is_refused(path: Path, changes: dict[str, object]):
    path.write_text(line(**changes))
    message = refusal(path)
    assert f"{path}, line 1" in message
    assert "damaged" in message


def test_any_text_can_be_kept(path: Path):
    odd = dataclasses.replace(ENTRIES[0], subject="\ud800 \x1b[2J 数据\n\u2028", reason="\0")
    append(path, [odd])
    assert read(path).entries == (odd,)
    assert path.read_bytes().count(b"\n") == 1


def test_lines_end_as_windows_ends_them(path: Path):
    path.write_bytes(line().replace("\n", "\r\n").encode())
    assert read(path).entries == ENTRIES[:1]


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path: Path):
    assert refusal(tmp_path / "none").startswith(f"{tmp_path / 'none'}: No such file")
    assert refusal(tmp_path).startswith(f"{tmp_path}: Is a directory")


class TestBeforeAnythingIsMeasured:
    def test_a_new_file_may_be_named_and_is_not_made(self, tmp_path: Path):
        require_appendable(tmp_path / "new" / "history.jsonl")
        assert not (tmp_path / "new" / "history.jsonl").exists()

    def test_a_file_that_is_read_whole_stays_as_it_is(self, path: Path):
        append(path, ENTRIES)
        before = path.read_bytes()
        require_appendable(path)
        assert path.read_bytes() == before

    def test_a_newer_history_is_refused(self, path: Path):
        path.write_text(line(schema=SCHEMA + 1))
        with pytest.raises(StoreError, match="Upgrade the harness"):
            require_appendable(path)

    @pytest.mark.parametrize("where", [".", "letter/below", "/proc/history", "x" * 300])
    def test_a_place_where_no_file_can_be_is_refused(self, tmp_path: Path, where: str):
        (tmp_path / "letter").touch()
        with pytest.raises(StoreError, match="history="):
            require_appendable(tmp_path / where)
