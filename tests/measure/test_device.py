"""A device is the one that was asked for, and each rank's own."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from harness.measure.device import of_rank
from harness.measure.worker import work_together
from harness.records.record import record_from
from harness.team.communicator import Seat
from tests.measure.conftest import make_block
from tests.records.made import PASSES


@pytest.mark.parametrize(
    ("device", "ranks"),
    [
        ("cpu", ["cpu", "cpu", "cpu"]),
        ("cuda", ["cuda", "cuda:1", "cuda:2"]),
        ("cuda:2", ["cuda:2", "cuda:3", "cuda:4"]),
    ],
)
def test_every_rank_has_a_gpu_of_its_own(device: str, ranks: list[str]):
    assert [of_rank(device, rank) for rank in range(3)] == ranks


@pytest.mark.parametrize("rank", [0, 3])
def test_a_rank_with_a_gpu_does_not_wait_for_those_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rank: int
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("harness.measure.worker.settle", lambda block, of: None)
    monkeypatch.setattr("harness.measure.worker.block_probes", lambda device: nullcontext({}))
    block = dataclasses.replace(make_block(ranks=4), device="cuda")
    report = json.loads(work_together(block.to_json(), Seat(rank, 4, str(tmp_path))))
    record = record_from(report["record"], "it", PASSES)
    assert record.status == "skipped"
    assert record.reason == "device=cuda:3: the last device here is cuda:1."
