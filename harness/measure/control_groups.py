"""Control groups: what Linux lets a container, or a cluster's job, take of the machine's memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where the groups are, and which of them this process is in."""


@dataclass(frozen=True)
class Version:
    """Where a version of Linux's control groups keeps what is told of memory."""

    folder: str
    most: str
    taken: str
    droppable: tuple[str, ...]
    """What memory.stat calls pages of files, which are dropped where memory is short."""

    def left(self, groups: Path, path: str) -> Iterator[int]:
        """Yield what a group, and each that it is in, may still take."""
        root = groups / self.folder
        group = root / path
        while group.is_relative_to(root):
            with suppress(OSError, ValueError):  # "max" sets no bound, and a root may have no file
                stat = dict(
                    line.split() for line in (group / "memory.stat").read_text().splitlines()
                )
                most, taken = (int((group / name).read_text()) for name in (self.most, self.taken))
                yield most - taken + sum(int(stat.get(name, 0)) for name in self.droppable)
            group = group.parent


VERSIONS = {
    "": Version("", "memory.max", "memory.current", ("inactive_file", "active_file")),
    "memory": Version(
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
}
"""By how /proc/self/cgroup names what a group is of."""


def memory_left(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Return the bytes that may still be taken here: of the machine, or of our control group."""
    left: list[int] = [psutil.virtual_memory().available]
    with suppress(OSError):
        for line in own.read_text().splitlines():
            _, of, path = line.split(":", 2)
            if of in VERSIONS:
                left += VERSIONS[of].left(groups, path.lstrip("/"))
    return max(0, min(left))
