"""The worker: in a fresh process, measure one block and hand back its record."""

from __future__ import annotations

import dataclasses
import os
import resource
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.passes import Look, Seen, Turns
from harness.declare.settings import build
from harness.declare.workload import Place
from harness.errors import Absent, HarnessError, ModuleMissing, TeamBroken, UsageError
from harness.measure import device
from harness.measure.block import Block, block_from
from harness.measure.check import check
from harness.measure.clock import suspensions
from harness.measure.control_groups import memory_left
from harness.measure.engines.outcome import Report
from harness.measure.passes import NotFinite, alone, measure_of
from harness.measure.probes import block_probes
from harness.records.record import Record
from harness.records.seen import Check
from harness.registry import Entry, Registry
from harness.team.communicator import Alone, Communicator, Seat
from harness.team.rendezvous import meet

TakeTurns = Callable[[Turns], Look]


def work(text: str) -> str:
    """Measure the block in the text and return its record as a line."""
    return answer(block_from(text))


def work_together(text: str, seat: Seat) -> str:
    """Measure the block in the text with the other ranks of the team, and report."""
    return answer(block_from(text), seat)


def answer(
    block: Block, seat: Seat | None = None, take_turns: TakeTurns = alone, of: int = 0
) -> str:
    """Measure a block, in one of so many processes, and return its record or a rank's report."""
    of = of or block.ranks * block.jobs
    if seat is None:
        return _worked(block, None, take_turns, of).to_line()
    own = dataclasses.replace(block, device=device.of_rank(block.device, seat.rank))
    try:
        return Report(_worked(own, seat, take_turns, of).to_line()).to_json()
    except TeamBroken as error:
        return Report(own.record("failed", reason=_plain(error)).to_line(), True).to_json()


def _worked(block: Block, seat: Seat | None, take_turns: TakeTurns, of: int) -> Record[Seen]:
    settle(block, of)
    suspended = suspensions()
    start = time.perf_counter()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with block_probes(block.device) as probes:
        record = measured(block, seat, take_turns)
    wall = time.perf_counter() - start - (record.waited_s or 0)
    return dataclasses.replace(
        record, wall_s=wall, started=started, suspended=suspended.count or None, **probes
    )


def settle(block: Block, of: int = 1) -> None:
    """Make the process, one of so many, what the block's measurement asks for.

    It is to fail with an error, or be the first to go, rather than take the machine's memory along.
    """
    if not block.device.startswith("cuda"):  # CUDA reserves address space that it never uses
        own_share = memory_left() // of
        most = psutil.Process().memory_info().vms + own_share
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    score = Path("/proc/self/oom_score_adj")
    if score.exists() and os.access(score, os.W_OK):
        score.write_text("1000")
    torch.set_num_threads(block.threads)
    torch.set_num_interop_threads(1)


def rehearse(text: str) -> str:
    """Make the block's learner and return what is wrong with its settings, if anything is.

    Whatever else goes wrong the block itself will tell.
    """
    block = block_from(text)
    try:
        make_learner(block, Registry(block.plugins))
    except Absent:
        return ""
    except UsageError as error:
        return str(error)
    except (Exception, SystemExit):
        return ""
    return ""


def measured(block: Block, seat: Seat | None = None, take_turns: TakeTurns = alone) -> Record[Seen]:
    """Return the block's record, whatever happens in it; only who lost its team has none."""
    about: dict[str, Any] = {}
    try:
        # Every rank asks for the last one's: who has a device would wait for those that have none.
        after = seat.size - 1 - seat.rank if seat else 0
        device.require(device.of_rank(block.device, after))
        registry = Registry(block.plugins)
        team = _team(block, seat)
        known = registry.pass_named(block.measured)
        if known.rhythm == "learner":
            look = _check(block, registry, team)
        else:
            learner = make_learner(block, registry, team)
            about = _about(learner)
            look = measure_of(known, take_turns)(block, learner)
            about["fast_paths"] = _fast_paths(learner)  # some are chosen while it works
        team.barrier()  # who closed it while another is at work would seem to be lost
        team.close()
        return block.record("ok", **about, **vars(look.costs)).holding(look.seen)
    except TeamBroken:
        raise
    except Absent as error:
        return block.record("skipped", skip="absent", reason=_plain(error))
    except ModuleNotFoundError as error:
        return block.record(
            "skipped", skip="absent", reason=str(ModuleMissing(error.name, block.learner))
        )
    except NotFinite as error:
        record = block.record("not finite", reason=str(error), **about)
        return record if error.before is None else record.holding(error.before)
    except SystemExit as error:
        return block.record("failed", reason=f"it called exit({error.code!r})")
    except Exception as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(
            error
        ):
            return block.record("out of memory", reason=f"{type(error).__name__}: {_plain(error)}")
        return block.record("failed", reason=_why(error))


def make_learner(block: Block, registry: Registry, team: Communicator | None = None) -> Learner:
    """Make the block's learner on its workload, in the precision that its pass needs."""
    entry = registry.find(block.learner, "baseline", "method")
    _require_sharing(block, entry)
    dtype = registry.pass_named(block.measured).dtype
    place = Place(block.device, dtype, block.data_dir, team or Alone())
    of = registry.find(block.pair.workload, "workload")
    workload = build(of.load(), block.pair.settings, f"workload {of.name}", place)
    learner: Learner = build(entry.load(), block.learner_settings, entry.name, workload)
    return learner


def _require_sharing(block: Block, entry: Entry) -> None:
    """Refuse a team to a learner that ignores it, whose ranks would all do the same work."""
    if block.ranks > 1 and not getattr(entry.load(), "shares", False):
        raise UsageError(
            f"ranks = {block.ranks}: {entry.name} does not share its work, so every rank would do "
            "all of it. Give it one rank and sweep no ranks, or use a method that takes its part "
            "from workload.place.team and whose class says `shares = True`."
        )


def _team(block: Block, seat: Seat | None) -> Communicator:
    if seat is None:
        return Alone()
    patience = min(block.protocol.stall_s * block.jobs, block.limit_s / 2)
    return meet(seat, block.pair.communicator, block.device, patience, block.plugins)


def _about(learner: Learner) -> dict[str, Any]:
    workload = workload_of(learner)
    published = workload.converges
    return {
        "data": workload.data,
        "stands_in_for": workload.stands_in_for,
        "metric": workload.metric.name,
        "higher_is_better": workload.metric.higher_is_better,
        "chance": workload.chance,
        "held_out_shared": workload.held_out_shared,
        "dtype": workload.place.dtype,
        "samples": workload.samples,
        "parameters": workload.parameters,
        "converges": published if published and published.concerns(learner.name) else None,
        "fast_paths": _fast_paths(learner),
    }


def _fast_paths(learner: Learner) -> str | None:
    return " ".join(f"{k}={v}" for k, v in sorted(learner.fast_paths().items())) or None


def _check(block: Block, registry: Registry, team: Communicator) -> Look:
    entry = registry.find(block.learner, "baseline", "method")
    _require_sharing(block, entry)
    result = check(entry, registry, block.protocol.check_examples, block.learner_settings, team)
    return Look(Check(**result.fields()))


def _why(error: Exception) -> str:
    if isinstance(error, HarnessError):
        return _plain(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"in {frame.name}, {Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__}: {_plain(error)} ({place})"


def _plain(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [""])[0]
