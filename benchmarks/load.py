"""Background load that this process starts and stops: neighbours who take whole cores."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

# It computes and it moves memory, as a neighbour on a shared runner does both.
# It ends with its parent, however that ended.
BURN = """
import os, sys
a = bytearray(1 << 24)
while os.getppid() == int(sys.argv[1]):
    sum(range(200000)); a = a[1:] + a[:1]
"""
SHORTEST_S, LONGEST_S = 0.5, 6.0


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processes busy for as long as the block lasts."""
    command = [sys.executable, "-c", BURN, str(os.getpid())]
    burners = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(processes)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@contextmanager
def switching(processes: int, random: Random) -> Iterator[None]:
    """Switch such neighbours on and off, for random stretches of time."""
    over = threading.Event()

    def switch() -> None:
        while not over.wait(random.uniform(SHORTEST_S, LONGEST_S)):
            with busy(random.randint(1, processes)):
                over.wait(random.uniform(SHORTEST_S, LONGEST_S))

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
