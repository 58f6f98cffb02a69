"""The machine: of which class it is and which one, in words that name neither host nor user."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from pathlib import Path

from harness.config import cores

BOOT = Path("/proc/sys/kernel/random/boot_id")


def processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def node() -> str | None:
    """Return a word that tells this machine, since its start, from others without naming it."""
    with suppress(OSError):
        return hashlib.sha256(BOOT.read_bytes()).hexdigest()[:8]
    return None


def machine_class(gpu: str | None = None) -> str:
    """Return what makes seconds taken here comparable to others: processor, cores and GPU."""
    return ", ".join(filter(None, (processor(), f"{cores()} cores", gpu)))
