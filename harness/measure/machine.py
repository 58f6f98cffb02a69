"""The machine: of which class it is, in words that name neither a host nor its user."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

from harness.config import cores


def processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def machine_class(gpu: str | None = None) -> str:
    """Return what makes seconds taken here comparable to others: processor, cores and GPU."""
    return ", ".join(filter(None, (processor(), f"{cores()} cores", gpu)))
