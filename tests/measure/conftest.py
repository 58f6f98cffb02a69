"""Blocks for tests: the smallest workload, one thread, the shortest protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.measure.block import Block

MISBEHAVING = str(Path(__file__).with_name("misbehaving.py"))
QUICK = Protocol(
    warmup_s=0.05,
    interval_s=0.005,
    intervals=2,
    check_examples=5,
    trajectory_steps=2,
    curve_steps=4,
    curve_every=2,
    curve_tasks=5,
    test_tasks=7,
    limit_s=60,
)


def make_block(
    method: str = "reference_maml", measured: Any = "step", protocol: Protocol = QUICK, **pair: Any
) -> Block:
    """Return a block of the method on tiny sinusoids."""
    settings = {"meta_batch": 2} | pair.pop("settings", {})
    return Block(
        Pair("p", "reference_maml", method, "sinusoid", "", settings=settings, **pair),
        measured,
        "method",
        seed=0,
        round=0,
        protocol=protocol,
        threads=1,
        plugins=(MISBEHAVING,),
    )


@pytest.fixture
def quick() -> Protocol:
    return QUICK
