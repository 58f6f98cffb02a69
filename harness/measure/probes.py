"""Probes: what the machine and the software are, and what disturbed a block.

No host name, user name or path is read: what is probed may be published as it is.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import psutil
import torch

from harness.doctor import nvidia
from harness.doctor.disturbances import unfit
from harness.doctor.machine import read, this_machine
from harness.git import git
from harness.measure.machine import machine_class, node, processor

GPU_QUERY = "driver_version,clocks.sm,clocks.mem,power.limit,clocks_throttle_reasons.active"


def probe_text(device: str) -> str:
    """Return the probes as JSON: the form in which they leave a worker."""
    return json.dumps(run_probes(device))


def run_probes(device: str = "cpu") -> dict[str, Any]:
    """Return what holds for a whole run; null where it can't be known."""
    frequency, looked_at = psutil.cpu_freq(), this_machine()
    return {
        "cpu": processor(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else None,
        "frequency_mhz": round(frequency.current) if frequency else None,
        "frequency_policy": read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "memory_bytes": psutil.virtual_memory().total,
        "os": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_build": f"{torch.version.git_version}, {torch.backends.cpu.get_cpu_capability()}",
        "blas": _blas(),
        "mkl": torch.backends.mkl.is_available(),
        "mkldnn": torch.backends.mkldnn.is_available(),
        "default_threads": torch.get_num_threads(),
        "niceness": looked_at.niceness,
        "cuda": torch.version.cuda,
        "gpus": torch.cuda.device_count(),
        **(_gpu(device) if device.startswith("cuda") and torch.cuda.is_available() else {}),
        "packages": (packages := _packages()),
        "distributions_hash": _hash(packages),
        **git_state(),
        "disturbed_by": unfit(looked_at),
    }


@contextmanager
def block_probes(device: str) -> Iterator[dict[str, Any]]:
    """Fill a dictionary with what disturbed the block inside; the steal is known at its end."""
    seen: dict[str, Any] = {"load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}
    before = psutil.cpu_times()
    yield seen
    after = psutil.cpu_times()
    if hasattr(after, "steal") and (total := sum(after) - sum(before)) > 0:
        seen["steal"] = max(0.0, (after.steal - before.steal) / total)
    seen["machine"], seen["node"] = machine_class(_gpu_name(device)), node()
    if device.startswith("cuda") and torch.cuda.is_available():
        temperature = nvidia.query("temperature.gpu", _gpu_index(device))
        seen["temperature"] = float(temperature) if temperature else None
        processes = nvidia.query("pid", _gpu_index(device), of="--query-compute-apps")
        seen["gpu_processes"] = None if processes is None else len(processes.splitlines())


def git_state() -> dict[str, Any]:
    """Return the commit of the harness itself, and whether its files differ from it."""
    root = Path(__file__).parents[2]
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": commit, "git_dirty": None if status is None else bool(status)}


def _git(root: Path, *words: str) -> str | None:
    try:
        done = git(root, *words, limit_s=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _gpu(device: str) -> dict[str, Any]:
    index = _gpu_index(device)
    properties = torch.cuda.get_device_properties(int(index))
    state = nvidia.query(GPU_QUERY, index)
    names = GPU_QUERY.split(",")
    return {
        "gpu": properties.name,
        "gpu_memory_bytes": properties.total_memory,
        "gpu_state": dict(zip(names, state.split(", "), strict=False)) if state else None,
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        "cudnn": torch.backends.cudnn.version(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
    }


def _gpu_index(device: str) -> str:
    return device.partition(":")[2] or "0"


def _gpu_name(device: str) -> str | None:
    index = int(_gpu_index(device))
    known = device.startswith("cuda") and index < torch.cuda.device_count()
    return torch.cuda.get_device_name(index) if known else None


def _blas() -> str | None:
    try:
        return str(numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"])
    except (KeyError, TypeError):
        return None


def _packages() -> dict[str, str]:
    found = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    return dict(sorted(found.items()))


def _hash(packages: dict[str, str]) -> str:
    """Return one word that differs whenever the interpreter or any installed package does."""
    text = json.dumps([sys.version, packages])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
