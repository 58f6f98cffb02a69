"""Untimed blocks share the cores; what is timed or counted has the machine to itself."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure.block import Block, block_from
from harness.measure.engines.engine import Answer, Engine, Resources
from harness.measure.estimate import Estimate
from harness.measure.plan import plan, plan_hash
from harness.measure.progress import PlainProgress
from harness.measure.run import Run
from harness.records.manifest import Manifest
from harness.records.seen import Check, Curve, Memory, Operations, Times, Trajectory
from harness.records.store import Store
from harness.registry import Registry

REGISTRY = Registry()
PASSES = ("check", "trajectory", "operations", "memory", "step", "curve")
ALONE = ("operations", "memory", "step")
SUITE = Suite(
    "s",
    "What it is for",
    tuple(
        Pair(name, "reference_maml", method, "sinusoid", "", PASSES)
        for name, method in (("one", "batched_maml"), ("two", "fast_maml"))
    ),
    Protocol(seeds=2, rounds=2),
)
SEEN = {
    "check": Check("Exact", True),
    "trajectory": Trajectory((1.0,), (1.0,)),
    "operations": Operations(1, 1),
    "memory": Memory(1, 1),
    "step": Times((0.1,)),
    "curve": Curve((1, 2), (0.5, 0.5), (0.5,)),
}


@dataclass
class Busy(Engine):
    """An engine that remembers which blocks it had at once."""

    going: list[Block] = field(default_factory=list)
    at_once: list[list[Block]] = field(default_factory=list)
    fails_at: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call_ranks(self, function: str, text: str, *about: Any) -> Sequence[Answer]:
        block = block_from(text)
        with self.lock:
            self.going.append(block)
            self.at_once.append([*self.going])
        if block.id == self.fails_at:
            raise KeyboardInterrupt
        time.sleep(0.01)
        with self.lock:
            self.going.remove(block)
        found = {"metric": "error", "higher_is_better": False, "wall_s": 0.01}
        record = block.record("ok", **found).holding(SEEN[block.measured])
        return [Answer(record.to_line(), 0, 0, "")]


def run(folder: Path, engine: Engine, suite: Suite = SUITE, **words: Any) -> Store:
    config = RunConfig(threads=2, **words)
    blocks = plan(suite, config, REGISTRY)
    ids = tuple(block.id for block in blocks)
    manifest = Manifest(
        "", suite, (), (0, 1), 2, 2, "cpu", False, ids, plan_hash(blocks), "", "", {}
    )
    store = Store.create(folder, manifest)
    with (folder / "log").open("w") as log:
        ready = Run(config, suite, blocks, REGISTRY, store)
        ready.measure(engine, PlainProgress(log), lambda records, pair: None, lambda *_: None)
    return store


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_blocks_as_were_asked_for_run_at_once_and_costs_are_taken_alone(
    tmp_path: Path, jobs: int
):
    engine = Busy()
    store = run(tmp_path / "run", engine, jobs=jobs)
    assert max(map(len, engine.at_once)) == jobs
    for blocks in engine.at_once:
        if any(block.measured in ALONE for block in blocks):
            assert len(blocks) == 1
    kept = [record.block for record in store.records()]
    assert sorted(kept) == sorted(store.manifest.plan)
    # Rounds are drawn anew each time; all else begins in the order of the plan, once for all pairs.
    begun = [blocks[-1].id for blocks in engine.at_once if blocks[-1].measured != "step"]
    shared = {record.block for record in store.records() if record.same_as is not None}
    assert {block.partition("/")[0] for block in shared} == {"two"}
    planned = [block for block in store.manifest.plan if "/step/" not in block]
    assert begun == [block for block in planned if block not in shared]


def test_a_curve_that_may_be_inherited_waits_for_what_would_show_that(tmp_path: Path):
    untimed = dataclasses.replace(SUITE.pair[0], passes=("check", "trajectory", "curve"))
    engine = Busy()
    run(tmp_path / "run", engine, dataclasses.replace(SUITE, pair=(untimed,)), jobs=9)
    beside = [going for going in engine.at_once if any(block.may_inherit for block in going)]
    assert beside
    for going in beside:
        assert not {"check", "trajectory"} & {block.measured for block in going}


def test_an_interrupted_run_has_lost_no_more_than_what_was_in_flight(tmp_path: Path):
    wanted = "two/memory/method/seed0/round0"
    engine = Busy(fails_at=wanted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", engine, jobs=3)
    store = Store.open(tmp_path / "run")
    begun = {blocks[-1].id for blocks in engine.at_once}
    lost = begun - {record.block for record in store.records()}
    assert wanted in lost
    assert len(lost) <= 3


def test_each_has_its_share_of_the_threads_and_those_that_go_alone_have_all():
    alone, beside = (plan(SUITE, RunConfig(threads=4, jobs=j), REGISTRY) for j in (1, 3))
    assert {block.threads for block in alone} == {4}
    assert {(b.measured in ALONE, b.threads, b.jobs) for b in beside} == {
        (True, 4, 1),
        (False, 1, 3),
    }
    assert [b.id for b in alone] == [b.id for b in beside]
    one = dataclasses.replace(SUITE, pair=SUITE.pair[:1])
    lone = plan(one, RunConfig(threads=4, jobs=2, seeds=(0,)), REGISTRY)
    assert {(b.measured, b.threads) for b in lone if b.jobs == 2} == {
        ("check", 2),
        ("trajectory", 2),
    }
    # The method may inherit its training, which leaves one.
    assert {b.threads for b in lone if b.measured == "curve"} == {4}
    of_one_thread = [plan(SUITE, RunConfig(threads=1, jobs=j), REGISTRY) for j in (1, 2)]
    assert len({plan_hash(blocks) for blocks in of_one_thread}) == 1  # they measure the same
    assert json.loads(beside[0].to_json())["jobs"] == 3
    assert "jobs" not in json.loads(alone[0].to_json())


def test_the_time_that_is_announced_knows_how_many_run_at_once():
    alone, beside = (
        Estimate([b for b in blocks if b.measured not in ALONE], REGISTRY.passes).seconds
        for blocks in (plan(SUITE, RunConfig(jobs=jobs), REGISTRY) for jobs in (1, 2))
    )
    assert alone == tuple(2 * seconds for seconds in beside)


@dataclass
class Cluster(Busy):
    """An engine of two machines, which says what it was asked for."""

    machines = 2  # type: ignore[assignment]
    limits: list[Resources] = field(default_factory=list)

    def call_ranks(self, *about: Any) -> Sequence[Answer]:
        self.limits.append(about[-1])
        return super().call_ranks(*about)


def test_where_machines_are_many_pairs_are_timed_at_once_each_on_one_of_its_own(tmp_path: Path):
    engine = Cluster()
    store = run(tmp_path / "run", engine, jobs=3)
    timed = [[b for b in going if b.measured == "step"] for going in engine.at_once]
    assert max(map(len, timed)) == 2
    for going in filter(None, timed):
        assert len({block.pair.name for block in going}) == len(going)
    kept = [record.block for record in store.records()]
    assert sorted(kept) == sorted(store.manifest.plan)
    wanted = {(each.alone, each.machine) for each in engine.limits}
    assert wanted == {(False, ""), (True, ""), (True, "one"), (True, "two")}


def test_rounds_of_a_pair_are_taken_one_after_another(tmp_path: Path):
    engine = Cluster()
    run(tmp_path / "run", engine, jobs=3)
    rounds = [b for going in engine.at_once for b in going[-1:] if b.measured == "step"]
    for name in ("one", "two"):
        numbers = [(block.round, block.seed) for block in rounds if block.pair.name == name]
        assert numbers == sorted(numbers)


@dataclass
class Small(Busy):
    """An engine on which a training that shares the memory has too little of it."""

    def call_ranks(self, function: str, text: str, *about: Any) -> Sequence[Answer]:
        block = block_from(text)
        (answer,) = super().call_ranks(function, text, *about)
        if block.measured == "curve" and block.jobs > 1:
            return [Answer(block.record("out of memory", reason="too large").to_line(), 0, 0, "")]
        return [answer]


def test_what_its_share_of_the_memory_is_too_little_for_is_measured_again_by_itself(
    tmp_path: Path,
):
    engine = Small()
    store = run(tmp_path / "run", engine, jobs=3)
    trained = [record for record in store.records() if record.measured == "curve"]
    assert {record.status for record in trained} == {"ok"}
    again = [b for going in engine.at_once for b in going if b.measured == "curve" and b.jobs == 1]
    assert len(again) == len([record for record in trained if record.same_as is None])
    for going in engine.at_once:
        if any(block in again for block in going):
            assert len(going) == 1
    assert sorted(r.block for r in store.records()) == sorted(store.manifest.plan)
