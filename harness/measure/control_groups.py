"""Control groups: what Linux lets a container, or a cluster's job, take of the machine's memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where the groups are, and which of them this process is in."""

VERSIONS = {
    "": ("memory.max", "memory.current", ("inactive_file", "active_file")),
    "memory": (
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
}
"""Of each version, by how /proc/self/cgroup calls what a group is of, which is its folder too: the
files of what may be taken and of what is, and what memory.stat calls pages of files, which are
dropped where memory is short."""


def memory_left(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Return the bytes that may still be taken here: of the machine, or of our control group."""
    left: list[int] = [psutil.virtual_memory().available]
    with suppress(OSError):
        for line in own.read_text().splitlines():
            _, of, path = line.split(":", 2)
            if of in VERSIONS:
                root = groups / of
                left += _left(root, root / path.lstrip("/"), *VERSIONS[of])
    return max(0, min(left))


def _left(root: Path, group: Path, most: str, taken: str, pages: Sequence[str]) -> Iterator[int]:
    """Yield what a group, and each that it is in, may still take."""
    while group.is_relative_to(root):
        with suppress(OSError, ValueError):  # "max" sets no bound, and a root may have no file
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            left = int((group / most).read_text()) - int((group / taken).read_text())
            yield left + sum(int(stat.get(name, 0)) for name in pages)
        group = group.parent
