"""The cage of the fuzzer sees what a command must not do, and its damage repeats."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from benchmarks.caged import Told, caged
from benchmarks.fuzz import fault, main
from benchmarks.hostile import damaged
from harness.errors import StoreError
from harness.records.pack import CLAIMS, is_pack, opened, packed
from harness.records.store import MANIFEST, RECORDS


def refused() -> int:
    print("error: line 3 is damaged", file=sys.stderr)
    return 2


def wrote() -> int:
    Path("../elsewhere").write_text("")
    return 0


def crashed() -> int:
    raise RecursionError("too deep")


def slept() -> int:
    time.sleep(60)
    return 0


def greedy() -> int:
    return len(bytearray(1 << 40))


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (refused, None),
        (lambda: 0, None),
        (lambda: 2, "refused without a word"),
        (wrote, "it did open ../elsewhere"),
        (crashed, "RecursionError: too deep"),
        (greedy, "MemoryError"),
        (slept, "it took more than"),
    ],
)
def test_what_a_command_must_not_do_is_seen(
    tmp_path: Path, call: Callable[[], int], found: str | None
):
    (tmp_path / "case").mkdir()
    said = fault(caged(call, tmp_path / "case", 1 if call is slept else 30))
    assert said is None if found is None else found in (said or "")


def test_what_takes_much_memory_is_a_fault():
    assert "MiB" in (fault(Told(code=0, peak=5 << 30)) or "")


@pytest.mark.parametrize("name", ["a.jsonl", "manifest.json", "a.toml", "a.pkl", "a.png"])
def test_damage_differs_from_case_to_case_and_repeats(name: str):
    good = b'{"a": [1, 2, {"b": "c"}], "d": 0.5}\n' * 3
    found = [damaged(name, good, Random(seed)) for seed in range(20)]
    assert found == [damaged(name, good, Random(seed)) for seed in range(20)]
    assert len(set(found)) > 10


def test_a_pack_is_damaged_so_that_its_hashes_hold_and_what_they_hide_is_read(tmp_path: Path):
    good = packed(dict.fromkeys((MANIFEST, RECORDS, CLAIMS), b'{"a": 1}\n'))
    refusals = set()
    for seed in range(300):
        path = tmp_path / f"{seed}.zip"
        path.write_bytes(damaged(path.name, good, Random(seed)))
        if not is_pack(path):
            continue
        try:
            with opened(path) as folder:
                refusals.add("none")
                assert {each.name for each in folder.iterdir()} >= {MANIFEST, RECORDS, CLAIMS}
        except StoreError as error:
            refusals.add(str(error).partition(": ")[2])
    assert not (tmp_path.parent / "outside").exists()
    told = "\n".join(refusals)
    for words in ("none", "outside", "is a link", "compressed", "there twice", "SHA-256"):
        assert words in told, told


def test_wrong_words_are_told(capsys):
    assert main(["time=3"]) == 2
    assert "not a length of time" in capsys.readouterr().err
