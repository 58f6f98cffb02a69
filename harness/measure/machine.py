"""The machine: its class, in words that name neither a host nor its user, and its memory."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from pathlib import Path

import psutil

from harness.config import cores

GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux keeps what a container or a cluster's job may take, and which of them we are in."""
BOOT = Path("/proc/sys/kernel/random/boot_id")


def processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def node() -> str | None:
    """Return a word that tells this machine, since it was started, from others and names it not."""
    with suppress(OSError):
        return hashlib.sha256(BOOT.read_bytes()).hexdigest()[:8]
    return None


def memory_left(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int:
    """Return the bytes that may still be taken here: of the machine, or of our control group."""
    left: list[int] = [psutil.virtual_memory().available]
    with suppress(OSError):
        group = groups / own.read_text().rpartition("::")[2].strip().lstrip("/")
        while group.is_relative_to(groups):
            with suppress(OSError, ValueError):  # "max" sets no bound, and the root has no file
                left.append(int((group / "memory.max").read_text()) - _taken(group))
            group = group.parent
    return max(0, min(left))


def _taken(group: Path) -> int:
    """Return what the group's processes hold, but for pages of files that can be dropped."""
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int((group / "memory.current").read_text()) - int(stat.get("inactive_file", 0))


def machine_class(gpu: str | None = None) -> str:
    """Return what makes seconds taken here comparable to others: processor, cores and GPU."""
    return ", ".join(filter(None, (processor(), f"{cores()} cores", gpu)))
