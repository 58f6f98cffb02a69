"""One contract for all engines: equal blocks give equal records, and fail in the same words."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.config import RunConfig
from harness.declare.passes import Seen
from harness.errors import UsageError
from harness.measure.block import Block
from harness.measure.engines.choice import engine_of
from harness.measure.engines.engine import Engine
from harness.measure.interleaving import Lane, Round
from harness.records.record import Record
from harness.registry import Registry
from tests.measure.conftest import QUICK, make_block
from tests.measure.engines.conftest import PLUGINS

REGISTRY = Registry(PLUGINS).whole()
SHORT = dataclasses.replace(QUICK, limit_s=1)

# What clocks and probes say, which differs from one time to the next on one machine too.
TOLD_BY_CLOCKS = {"wall_s", "measured_s", "waited_s", "warmup_s", "warmup_seconds", "warmup_steady"}
TOLD_BY_CLOCKS |= {"load", "steal", "started", "together"}
SEEN_BY_CLOCKS = {"seconds", "wall_seconds", "steps_per_interval", "allreduce_seconds"}
SEEN_BY_CLOCKS |= {"imbalance_seconds", "train_seconds", "resident_bytes"}


on_every_engine = pytest.mark.parametrize("engine", ["slurm", "ray"], indirect=True)


def block(method: str, measured: Any = "memory", **about: Any) -> Block:
    made = make_block(method, measured, about.pop("protocol", QUICK), **about)
    return dataclasses.replace(made, plugins=PLUGINS)


WAYS_TO_FAIL = [
    block("dies"),
    block("hangs", protocol=SHORT),
    block("one_is_killed", "step", ranks=2),
]
OTHERS = [
    block("reference_maml", "check"),
    block("shared", "operations", ranks=2),
    block("raises"),
    block("needs_absent_peer"),
    block("not_finite", "curve"),
]
ROUND = [block(method, "step") for method in ("reference_maml", "raises", "dies")]
STATUS = ["died", "timeout", "died", "ok", "ok", "failed", "skipped", "not finite"]


def measured(engine: Engine, blocks: Sequence[Block]) -> list[Record[Seen]]:
    """Return what the engine's machines hand back, of blocks by themselves and of a round."""

    def of(block: Block) -> Record[Seen]:
        return Lane(engine, block, (), REGISTRY).measure()

    def in_turns() -> list[Record[Seen]]:
        return Round([Lane(engine, each, (), REGISTRY) for each in ROUND], True, 0).measure()

    with ThreadPoolExecutor(2) as threads:
        together, alone = threads.submit(in_turns), threads.map(of, blocks)
        return [*together.result(), *alone]


@pytest.fixture(scope="module")
def here(local: Engine) -> list[Record[Seen]]:
    found = measured(local, [*WAYS_TO_FAIL, *OTHERS])
    assert [each.status for each in found] == ["ok", "failed", "died", *STATUS]
    return found


def apart_from_clocks(record: Record[Seen]) -> dict[str, Any]:
    line = json.loads(record.to_line())
    seen = line.pop("seen") or {}
    told = {name: value for name, value in line.items() if name not in TOLD_BY_CLOCKS}
    return told | {name: value for name, value in seen.items() if name not in SEEN_BY_CLOCKS}


@on_every_engine
def test_every_record_is_the_same_and_every_failure_is_told_in_the_same_words(
    engine: Engine, here: list[Record[Seen]], request: pytest.FixtureRequest
):
    # A job of Slurm's imports torch anew each time.
    of_slurm = "slurm" in request.node.name
    there = measured(engine, WAYS_TO_FAIL if of_slurm else [*WAYS_TO_FAIL, *OTHERS])
    for one, other in zip(here, there, strict=not of_slurm):
        assert apart_from_clocks(one) == apart_from_clocks(other)
    assert all(each.in_turns for each in there[: len(ROUND)])


@pytest.mark.parametrize(("engine", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_an_engine_that_is_not_installed_names_the_command_that_installs_it(
    engine: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match="not installed") as raised:
        engine_of(RunConfig(engine=engine), tmp_path)
    assert str(raised.value) == (
        f"engine={engine}: {package} is not installed. Install it with: "
        f"python -m pip install -e '.[{engine}]', or leave engine= out to use this machine."
    )
    assert not list(tmp_path.iterdir())


@on_every_engine
def test_what_is_in_flight_ends_with_the_engine(engine: Engine, tmp_path: Path):
    """The last test of each engine, which it leaves closed."""
    with ThreadPoolExecutor(1) as threads:
        call = "tests.measure.in_worker:sleep_as"
        asked = threads.submit(engine.call, call, str(tmp_path / "pid"), 600, ())
        while not (tmp_path / "pid").exists():
            assert not asked.done(), asked.result()
            time.sleep(0.1)
        worker = psutil.Process(int((tmp_path / "pid").read_text()))
        jobs = [*getattr(engine, "_jobs", ())]
        engine.close()
        for job in jobs:  # submitit leaves this to whoever started them
            job._process.wait()
        assert asked.result(timeout=60).text == ""
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.wait(timeout=30)
