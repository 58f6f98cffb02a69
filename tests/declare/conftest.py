"""Suites that are read from a text."""

from __future__ import annotations

import pytest

from harness.declare.suite import read_suite


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        (tmp_path / "mine.toml").write_text(text)
        return read_suite(tmp_path / "mine.toml")

    return read
