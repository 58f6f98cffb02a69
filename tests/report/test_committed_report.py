"""The committed report of `paper` is what today's code makes of its records, byte for byte.

`python -m harness report results/reference/epyc-2-cores/paper` writes it anew, for a change that is
meant to change it.
"""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path

import pytest

from harness.records.store import MANIFEST, RECORDS
from harness.reporting import write_files
from harness.results import Results
from tests.golden.test_golden import RUNS, differences

PAPER = RUNS["paper"]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_it_is_rebuilt_to_the_same_bytes(tmp_path: Path):
    for name in (MANIFEST, RECORDS):
        shutil.copy(PAPER / name, tmp_path)
    write_files(Results.of(tmp_path))
    was, now = files(PAPER), files(tmp_path)
    assert sorted(was) == sorted(now)
    claims = (json.loads(each["claims.json"]) for each in (was, now))
    assert not differences(*claims)
    if platform.machine() != "x86_64":
        pytest.skip("other processors round the last digit of a figure in their own way")
    assert [name for name in sorted(was) if was[name] != now[name]] == []
