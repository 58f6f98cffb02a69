"""A second process pays for what is not on disk, and for no compilation again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.errors import MeasurementError
from harness.studies.ladder.measure import KEPT_AT
from harness.studies.ladder.warm import in_another_process
from tests.measure.conftest import QUICK, make_block


@pytest.mark.slow
def test_a_second_process_compiles_nothing_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEPT_AT, str(tmp_path))
    settings = {"tasks": 2, "compiled": True}
    block = make_block("fast_maml", "one_off", QUICK, method_settings=settings)
    assert in_another_process(block) > 0
    compiled = sorted(tmp_path.rglob("*.so"))
    assert compiled
    assert in_another_process(block) > 0
    assert sorted(tmp_path.rglob("*.so")) == compiled


def test_where_it_fails_it_says_why():
    block = dataclasses.replace(make_block("raises", "one_off", QUICK), plugins=())
    with pytest.raises(MeasurementError, match="ended with status 1: .*unknown"):
        in_another_process(block)
