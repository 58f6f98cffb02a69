"""Priority: what is measured goes before other processes, where the system grants that.

Threads that share an operation wait for each other, and on a busy core each waits for its turn too.
By the clock, a meta-step of conv4 by two threads took 4 to 17 times as long beside two busy
processes on two cores, and 1.6 times at this priority. What others had a core for is not counted
either way; but a run lasts as long as its clock says, and others empty the caches.

Whoever starts the harness with `nice` has chosen a priority, and keeps it.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

NICENESS = -10

AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares cores among sessions before it shares them among a session's processes."""

CAP_SYS_NICE = 23  # the bit of the capability, in the kernel's numbers


def go_first() -> None:
    """Give this process the priority, and its session, which must be its own."""
    if (own := os.getpriority(os.PRIO_PROCESS, 0)) <= 0:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, min(own, NICENESS))
            AUTOGROUP.write_text(f"{min(own, NICENESS)}")


def niceness() -> int:
    """Return the niceness that a process will have that goes first."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    return min(own, NICENESS) if own <= 0 and _granted() else own


def _granted() -> bool:
    with suppress(AttributeError, OSError):  # Linux alone has a limit, and capabilities
        most, _ = resource.getrlimit(resource.RLIMIT_NICE)
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        return most >= 20 - NICENESS or bool(int(status["CapEff"], 16) >> CAP_SYS_NICE & 1)
    return os.geteuid() == 0
