"""Priority: what is measured goes before other processes, where the system grants that.

Threads that share an operation wait for each other, and on a busy core each waits for its turn too.
By the clock, a meta-step of conv4 by two threads took 4 to 17 times as long beside two busy
processes on two cores, and 1.6 times at this priority. What others had a core for is not counted
either way; but a run lasts as long as its clock says, and others empty the caches.

Whoever starts the harness with `nice` has chosen a priority, and keeps it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

NICENESS = -10

AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares cores among sessions before it shares them among a session's processes."""

TRIES, PAUSE_S = 20, 0.1
"""The kernel takes one session's priority in a tenth of a second from all who aren't root."""


def go_first() -> None:
    """Give this process the priority, and its session, which must be its own."""
    with suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) == 0:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
            _raise_the_session()


def _raise_the_session() -> None:
    for _ in range(TRIES):
        try:
            AUTOGROUP.write_text(str(NICENESS))
            return
        except BlockingIOError:
            time.sleep(PAUSE_S)


def niceness() -> int:
    """Return the niceness of a process that went first; whether it may is tried in another one."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if own != 0:
        return own
    trial = f"import os; os.setpriority(os.PRIO_PROCESS, 0, {NICENESS})"
    command = [sys.executable, "-S", "-c", trial]
    granted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return NICENESS if granted else own
