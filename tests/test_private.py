"""What names a machine or its user does not get into records, and what a reader needs stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.private import without_places
from harness.records.record import Record
from tests.measure.conftest import QUICK, make_block


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("cannot open /srv/alice/data/x.png: no such file", "cannot open x.png: no such file"),
        ("cannot open /home/alice/secret.so", "cannot open secret.so"),
        ("'/home/alice'", "'~'"),
        ("file:/home/alice/x and file:///Users/bob/y", "file:x and file:y"),
        (f"in {Path.home()}/My Data", "in My Data"),
        (f"{Path.home()}", "~"),
        ("see https://example.org/docs/page, 1/2 of a/b and /tmp", None),
        ("nn.Linear/weight: ~ 3 of 4", None),
    ],
)
def test_a_file_keeps_its_name_and_loses_its_folders(said: str, kept: str | None):
    assert without_places(said) == (said if kept is None else kept)


@pytest.mark.parametrize(
    ("home", "said", "kept"),
    [
        ("/", "see https://example.org/docs, 1/2", "see https://example.org/docs, 1/2"),
        ("/home/al", "no /home/alice/secret.so", "no secret.so"),
        ("/root", "no /rootfs/data/x.png", "no x.png"),
        ("/data/jo hn", "no '/data/jo hn/x' in /data/jo hn", "no 'x' in ~"),
        ("nowhere", "https://host.org/home/page", "https://host.org/home/page"),
    ],
)
def test_whatever_the_home_is(home: str, said: str, kept: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", home)
    assert without_places(said) == kept


def test_whatever_a_block_s_record_says_is_without_them():
    block = make_block("reference_maml", "step", QUICK)
    record: Record[object] = block.record("died", reason="status 3: no /home/alice/secret.so")  # type: ignore[assignment]
    assert record.reason == "status 3: no secret.so"
