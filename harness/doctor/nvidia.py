"""What NVIDIA's driver says of a GPU."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

SLOWED = 0xEC
"""Reasons for a lower clock rate that are no choice: a power cap or brake, heat, a slow-down."""


@dataclass(frozen=True)
class Gpu:
    """One GPU, as it is at the moment."""

    utilization: float | None  # percent of the last moments in which something ran on it
    slowed: bool
    persists: bool
    """Whether its driver stays loaded when nobody uses it."""
    processes: int


def gpus() -> tuple[Gpu, ...]:
    """Return all GPUs; none where there is no driver."""
    told = query("utilization.gpu,clocks_throttle_reasons.active,persistence_mode")
    return tuple(
        _gpu(line.split(", "), query("pid", str(index), of="--query-compute-apps"))
        for index, line in enumerate((told or "").splitlines())
    )


def _gpu(fields: list[str], processes: str | None) -> Gpu:
    busy, reasons, persists = fields
    return Gpu(
        utilization=float(busy) if busy.isdecimal() else None,
        slowed=reasons.startswith("0x") and bool(int(reasons, 16) & SLOWED),
        persists=persists == "Enabled",
        processes=len((processes or "").splitlines()),
    )


def query(fields: str, index: str | None = None, of: str = "--query-gpu") -> str | None:
    """Return what nvidia-smi answers, a line for each GPU or process; nothing where it can't."""
    if shutil.which("nvidia-smi") is None:
        return None
    chosen = [] if index is None else ["-i", index]
    command = ["nvidia-smi", *chosen, f"{of}={fields}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
