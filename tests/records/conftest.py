"""Runs to be read, written and refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.records.store import Store
from tests.records.made import make_manifest
from tests.records.stores import FIRST, SECOND


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
