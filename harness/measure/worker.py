"""The worker: in a fresh process, measure one block and hand back its record."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
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
from harness.declare.settings import build
from harness.declare.tree import all_finite, live_bytes
from harness.declare.workload import Place
from harness.distributed import Alone, Communicator, Seat
from harness.errors import Absent, HarnessError, ModuleMissing, TeamBroken, UsageError
from harness.measure import device
from harness.measure.blame import Report
from harness.measure.block import Block, Seen, block_from
from harness.measure.check import check
from harness.measure.clock import time_steps
from harness.measure.lengths import at_lengths
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from harness.measure.probes import block_probes
from harness.measure.team import told_by_all
from harness.measure.training import train_curve, train_trajectory
from harness.measure.variants import count_variants, time_variants, train_variants
from harness.measure.wire import SMALLEST, time_wire
from harness.meeting import meet
from harness.records.record import Record
from harness.registry import Entry, Registry

Measure = Callable[[Block, Learner], Seen]
Repeated = tuple[Callable[[int], None], list[Any]]
"""What does a pass's work so many times, and where it leaves the latest result."""

BATCHES = 4  # distinct batches that a timed loop goes round, all in memory before it starts


FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/:'\"]+/)+")
"""The folders of an absolute path; what follows is the name of a file."""


class NotFinite(Exception):
    """The state holds NaN or infinity after the block's steps."""


def work(text: str) -> str:
    """Measure the block in the text and return its record as a line."""
    return _worked(block_from(text), None).to_line()


def work_together(text: str, seat: Seat) -> str:
    """Measure the block in the text with the other ranks of the team, and report."""
    block = block_from(text)
    own = dataclasses.replace(block, device=device.of_rank(block.device, seat.rank))
    try:
        return Report(_worked(own, seat).to_line()).to_json()
    except TeamBroken as error:
        return Report(own.record("failed", reason=_plain(error)).to_line(), True).to_json()


def _worked(block: Block, seat: Seat | None) -> Record:
    settle(block)
    start = time.perf_counter()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with block_probes(block.device) as probes:
        record = measured(block, seat)
    wall = time.perf_counter() - start
    return dataclasses.replace(record, wall_s=wall, started=started, **probes)


def settle(block: Block) -> None:
    """Make the process what the block's measurement asks for."""
    _be_a_good_child(block)
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


def measured(block: Block, seat: Seat | None = None, measure: Measure | None = None) -> Record:
    """Return the block's record, whatever happens in it; only who lost its team has none.

    A pass may be measured in another way than its own.
    """
    try:
        device.require(block.device)
        registry = Registry(block.plugins)
        team = _team(block, seat)
        if block.measured == "check":
            seen = _check(block, registry, team)
        else:
            learner = make_learner(block, registry, team)
            about = _about(learner)
            seen = about | (measure or PASSES[block.measured])(block, learner)
        team.barrier()  # who closed it while another is at work would seem to be lost
        team.close()
        return block.record("ok", **seen)
    except TeamBroken:
        raise
    except Absent as error:
        return block.record("skipped", reason=_plain(error))
    except ModuleNotFoundError as error:
        return block.record("skipped", reason=str(ModuleMissing(error.name, block.learner)))
    except NotFinite as error:
        return block.record("not finite", reason=str(error), **about)
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
    dtype = "float64" if block.measured == "trajectory" else "float32"
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
            "the whole of it. Give it one rank and no scaling pass, or name a method whose class "
            "says `shares = True`, because it takes its part by workload.place.team."
        )


def _team(block: Block, seat: Seat | None) -> Communicator:
    if seat is None:
        return Alone()
    patience = min(block.protocol.stall_s, block.protocol.limit_s / 2)
    return meet(seat, block.pair.communicator, block.device, patience, block.plugins)


def _about(learner: Learner) -> Seen:
    workload = workload_of(learner)
    return {
        "data": workload.data,
        "metric": workload.metric.name,
        "higher_is_better": workload.metric.higher_is_better,
        "dtype": workload.place.dtype,
        "samples": workload.samples,
        "parameters": workload.parameters,
        "fast_paths": " ".join(f"{k}={v}" for k, v in sorted(learner.fast_paths().items())) or None,
    }


def stepping(block: Block, learner: Learner) -> Repeated:
    """Return what takes steps from the same start whenever it is called."""
    state, batches = _prepared(block, learner)
    latest = [state]

    def repeat(steps: int) -> None:
        current = state
        for batch in itertools.islice(itertools.cycle(batches), steps):
            current, _ = learner.step(current, batch)
        latest[0] = current

    return repeat, latest


def adapting(block: Block, learner: Learner) -> Repeated:
    """Return what adapts to one batch after another, from the same state."""
    state, batches = _prepared(block, learner)
    latest: list[Any] = [None]

    def repeat(times: int) -> None:
        for batch in itertools.islice(itertools.cycle(batches), times):
            latest[0] = learner.adapt(state, batch)

    return repeat, latest


REPEATED: dict[str, Callable[[Block, Learner], Repeated]] = {
    "step": stepping,
    "scaling": stepping,
    "adaptation": adapting,
}


def _timed(block: Block, learner: Learner) -> Seen:
    repeat, latest = REPEATED[block.measured](block, learner)
    team = _team_of(learner)
    timing = time_steps(repeat, device.synchronizer(block.device), block.protocol, team)
    _require_finite(latest[0])
    of_team = {
        "allreduce_seconds": timing.allreduce_seconds,
        "imbalance_seconds": timing.imbalance_seconds,
    }
    return (of_team if team.size > 1 else {}) | {
        "seconds": timing.seconds,
        "steps_per_interval": timing.steps_per_interval,
        "warmup_seconds": timing.warmup_seconds,
        "warmup_s": timing.warmup_s,
        "warmup_steady": timing.steady,
        "measured_s": timing.measured_s,
    }


def _memory(block: Block, learner: Learner) -> Seen:
    state, batches = _prepared(block, learner)
    learner.step(state, batches[0])  # what is made once and kept is not a step's own
    peak = peak_of(lambda: learner.step(state, batches[0]), block.device)
    own = {"live_bytes": live_bytes(state, batches[0])} | dataclasses.asdict(peak)
    of_all: list[Seen] = told_by_all(_team_of(learner), own)
    return max(of_all, key=lambda seen: int(seen["live_bytes"] + seen["peak_bytes"]))


def _growth(block: Block, learner: Learner) -> Seen:
    steps = block.protocol.growth_steps
    peaks = [_memory(block, each) for each in at_lengths(block, learner, steps)]
    return {"growth_steps": steps, "growth_bytes": tuple(seen["peak_bytes"] for seen in peaks)}


def _operations(block: Block, learner: Learner) -> Seen:
    (state, batches), team = _prepared(block, learner), _team_of(learner)
    before = team.traffic.so_far()
    counted = _counted_by_all(team, lambda: learner.step(state, batches[0]))
    calls, sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    if team.size > 1:
        of_calls, of_bytes = zip(*told_by_all(team, (calls, sent)), strict=True)
        counted |= {"allreduce_calls": max(of_calls), "allreduce_bytes": max(of_bytes)}
    if "adaptation" in block.pair.passes:
        adapting = _counted_by_all(team, lambda: learner.adapt(state, batches[0]))
        counted["adaptation_flops"] = adapting["flops"]
    if "variant_times" in block.pair.passes:
        counted |= count_variants(block, learner, _seed(block))
    return counted


def _scaling(block: Block, learner: Learner) -> Seen:
    seen, team = _timed(block, learner), _team_of(learner)
    if team.size == 1:
        return seen
    (state, batches), before = _prepared(block, learner), team.traffic.so_far()
    learner.step(state, batches[0])
    calls, sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    sizes = (SMALLEST, sent) if sent > SMALLEST else (SMALLEST,)
    synchronize = device.synchronizer(block.device)
    return seen | {
        "allreduce_calls": calls,
        "allreduce_bytes": sent,
        "wire_bytes": sizes,
        "wire_seconds": time_wire(team, sizes, block.device, synchronize),
    }


def _counted_by_all(team: Communicator, call: Callable[[], object]) -> Seen:
    """Count what all ranks did: work that several of them repeat is not saved."""
    own = operations_of(call)
    flops, passes = zip(*told_by_all(team, (own.flops, own.backward_passes)), strict=True)
    total = {"flops": sum(flops), "backward_passes": sum(passes)}
    return total | ({"rank_flops": max(flops)} if team.size > 1 else {})


def _curve(block: Block, learner: Learner) -> Seen:
    curve = train_curve(learner, _seed(block), block.protocol, device.synchronizer(block.device))
    _require_finite([torch.tensor(curve.curve_quality), torch.tensor(curve.test_quality)])
    return dataclasses.asdict(curve) | {"measured_s": curve.train_seconds}


def _trajectory(block: Block, learner: Learner) -> Seen:
    trajectory = train_trajectory(learner, _seed(block), block.protocol.trajectory_steps)
    _require_finite([torch.tensor(trajectory.losses), torch.tensor(trajectory.fingerprint)])
    return dataclasses.asdict(trajectory)


def _variants(block: Block, learner: Learner) -> Seen:
    seen = train_variants(block, learner, _seed(block), device.synchronizer(block.device))
    _require_finite([torch.tensor(seen["variant_valid"]), torch.tensor(seen["variant_test"])])
    return seen


def _variant_times(block: Block, learner: Learner) -> Seen:
    return time_variants(block, learner, _seed(block), device.synchronizer(block.device))


def _check(block: Block, registry: Registry, team: Communicator) -> Seen:
    entry = registry.find(block.learner, "baseline", "method")
    _require_sharing(block, entry)
    result = check(entry, registry, block.protocol.check_examples, block.learner_settings, team)
    return result.fields()


PASSES: dict[str, Measure] = {
    "step": _timed,
    "adaptation": _timed,
    "scaling": _scaling,
    "memory": _memory,
    "growth": _growth,
    "operations": _operations,
    "curve": _curve,
    "trajectory": _trajectory,
    "variants": _variants,
    "variant_times": _variant_times,
}


def _prepared(block: Block, learner: Learner) -> tuple[Any, list[Any]]:
    seed, workload = _seed(block), workload_of(learner)
    return learner.init(seed), [workload.train_batch(seed, index) for index in range(BATCHES)]


def _team_of(learner: Learner) -> Communicator:
    return workload_of(learner).place.team


def _seed(block: Block) -> int:
    return block.task_seed


def _require_finite(tree: Any) -> None:
    if not all_finite(tree):
        raise NotFinite("the result holds NaN or infinity after the block's steps")


def _be_a_good_child(block: Block) -> None:
    """Fail with an error, or be the first to go, rather than take the machine's memory along."""
    if not block.device.startswith("cuda"):  # CUDA reserves address space that it never uses
        own_share = psutil.virtual_memory().available // block.ranks
        most = psutil.Process().memory_info().vms + own_share
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    score = Path("/proc/self/oom_score_adj")
    if score.exists() and os.access(score, os.W_OK):
        score.write_text("1000")


def _why(error: Exception) -> str:
    if isinstance(error, HarnessError):
        return _plain(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"in {frame.name}, {Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__}: {_plain(error)} ({place})"


def _plain(error: Exception) -> str:
    """Return the first line of what an error says, without this machine's folders."""
    return FOLDERS.sub("", (str(error).splitlines() or [""])[0])
