"""The machine: what its system says of it now, null where it does not say."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.config import cores
from harness.doctor.nvidia import Gpu, gpus
from harness.priority import niceness

SAMPLE_S = 0.3  # for how long other processes are watched
BUSY = 0.2  # of a core: whoever takes more of it meanwhile is busy


@dataclass(frozen=True)
class Machine:
    """What is read at one moment."""

    cores: int  # that this process may use
    logical_cores: int
    load: float | None = None  # average over a minute
    busy: int = 0  # other processes
    niceness: int = 0  # of what is measured
    steal: float | None = None  # share of processor time that other virtual machines took
    quota: float | None = None  # cores that a control group grants
    policies: frozenset[str] = frozenset()  # of the clock rate
    boosts: bool | None = None  # whether the clock rate may exceed the nominal one
    slowed: int | None = None  # times since the start that heat lowered the clock rate
    siblings: bool | None = None  # whether two logical cores share a core
    memory_bytes: int = 0
    available_bytes: int = 0
    swapped_bytes: int = 0
    gpus: tuple[Gpu, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """Those of the environment that libraries of threads read."""


def this_machine() -> Machine:
    """Look at this machine; it takes as long as the sample."""
    busy, steal = _watched()
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    system = Path("/sys/devices/system/cpu")
    return Machine(
        cores=cores(),
        logical_cores=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        busy=busy,
        niceness=niceness(),
        steal=steal,
        quota=quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")),
        policies=policies(system),
        boosts=boosts(system),
        slowed=slowed(system),
        siblings={"1": True, "0": False}.get(read(system / "smt/active") or ""),
        memory_bytes=memory.total,
        available_bytes=memory.available,
        swapped_bytes=swap.used,
        gpus=gpus(),
        variables=variables(os.environ),
    )


def policies(system: Path) -> frozenset[str]:
    """Return what governs the clock rates of the cores."""
    return frozenset(
        policy
        for path in system.glob("cpu[0-9]*/cpufreq/scaling_governor")
        if (policy := read(path)) is not None
    )


def boosts(system: Path) -> bool | None:
    if (no_turbo := read(system / "intel_pstate/no_turbo")) is not None:
        return no_turbo == "0"
    boost = read(system / "cpufreq/boost")
    return None if boost is None else boost == "1"


def slowed(system: Path) -> int | None:
    counts = [
        int(count)
        for path in system.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
        if (count := read(path) or "").isdecimal()
    ]
    return sum(counts) if counts else None


def quota(groups: Path, own: Path) -> float | None:
    """Return how many cores' time the control groups around this process grant, if they limit it.

    Inside a container its own group is often mounted as the root.
    """
    granted = []
    for line in (read(own) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / "cpu" if controllers else groups
        inside = Path(path.lstrip("/"))
        for group in (root / inside, *(root / parent for parent in inside.parents)):
            words = (read(group / "cpu.max") or "").split() or [
                read(group / "cpu.cfs_quota_us") or "",
                read(group / "cpu.cfs_period_us") or "",
            ]
            if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
                granted.append(int(words[0]) / int(words[1]))
    return min(granted, default=None)


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    known = ("OMP_", "MKL_", "KMP_", "GOMP_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_")
    return {name: value for name, value in environment.items() if name.startswith(known)}


def _watched() -> tuple[int, float | None]:
    """Return how many other processes were busy for a moment, and the share that was stolen."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    seconds, all_before, start = _processor_seconds(), psutil.cpu_times(), time.perf_counter()
    time.sleep(SAMPLE_S)
    now, all_after, end = _processor_seconds(), psutil.cpu_times(), time.perf_counter()
    enough = BUSY * (end - start)
    busy = [pid for pid in seconds.keys() & now.keys() if now[pid] - seconds[pid] > enough]
    steal = None
    if hasattr(all_after, "steal") and (total := sum(all_after) - sum(all_before)) > 0:
        steal = max(0.0, (all_after.steal - all_before.steal) / total)
    return len(set(busy) - own), steal


def _processor_seconds() -> dict[int, float]:
    found = ((each.pid, each.info["cpu_times"]) for each in psutil.process_iter(["cpu_times"]))
    return {pid: times.user + times.system for pid, times in found if times is not None}


def read(path: Path) -> str | None:
    """Return what the system says in a file, or None where it has no such file."""
    try:
        return path.read_text().strip()
    except OSError:
        return None
