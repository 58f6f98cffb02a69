"""Rounds in tandem: fresh workers take turns, and one that fails is told from those that wait."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import (
    AGAIN,
    BASE,
    HEAD,
    LANES,
    Lane,
    measure_round,
    order_of_turn,
)
from harness.registry import Registry
from tests.measure.conftest import QUICK, make_block

REGISTRY = Registry()
Engines = dict[str, LocalEngine]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(LocalEngine()) for name in LANES}


def lanes(engines: Engines, measured: Any = "step", **methods: str) -> list[Lane]:
    return [
        Lane(name, engine, make_block(methods.get(name, "reference_maml"), measured), (), REGISTRY)
        for name, engine in engines.items()
    ]


@pytest.mark.parametrize("measured", ["step", "adaptation"])
def test_every_lane_has_a_time_for_every_turn(engines: Engines, measured: str):
    found = measure_round(lanes(engines, measured), turns=3, turn_s=0.002, random=Random(0))
    assert not found.failures
    assert {name: len(seconds) for name, seconds in found.seconds.items()} == dict.fromkeys(
        LANES, 3
    )
    assert all(second > 0 for seconds in found.seconds.values() for second in seconds)


@pytest.mark.parametrize("method", ["raises", "dies", "not_finite", "leaves"])
def test_only_the_lane_that_failed_is_blamed_and_the_next_round_goes_well(
    engines: Engines, method: str
):
    found = measure_round(lanes(engines, head=method), 2, 0.002, Random(0))
    assert list(found.failures) == [HEAD]
    assert found.failures[HEAD].reason
    assert not found.seconds
    assert not measure_round(lanes(engines), 1, 0.002, Random(0)).failures


def test_a_lane_that_hangs_is_ended_at_its_limit(engines: Engines):
    block = make_block("hangs", protocol=dataclasses.replace(QUICK, limit_s=2))
    others = [lane for lane in lanes(engines) if lane.name != BASE]
    found = measure_round(
        [Lane(BASE, engines[BASE], block, (), REGISTRY), *others], 1, 0.002, Random(0)
    )
    assert {name: record.status for name, record in found.failures.items()} == {BASE: "timeout"}


@pytest.mark.parametrize("length", [0, 150])
def test_a_temporary_folder_with_a_long_path_is_no_obstacle(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
):
    long = tmp_path / ("x" * length) if length else tmp_path
    long.mkdir(exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert not measure_round(lanes(engines), 1, 0.002, Random(0)).failures
    assert not list(long.iterdir())


def test_every_order_of_the_lanes_is_as_likely():
    random = Random(0)
    orders = Counter(tuple(order_of_turn(random)) for _ in range(6000))
    assert len(orders) == 6
    assert all(850 < count < 1150 for count in orders.values())
    assert set(next(iter(orders))) == {BASE, HEAD, AGAIN}
