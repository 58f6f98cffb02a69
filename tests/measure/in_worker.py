"""Functions that tests call in workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from harness.team.communicator import Seat
from harness.team.rendezvous import meet

_imported = set(sys.modules)
_calls = 0


def pid(text: str) -> str:
    return str(os.getpid())


def said(text: str) -> str:
    return text


def imported_before_the_call(text: str) -> str:
    return str(text in _imported)


def imported(text: str) -> str:
    return "yes" if text in sys.modules else "no"


def count_calls(text: str) -> str:
    global _calls
    _calls += 1
    return str(_calls)


def repeat(text: str) -> str:
    return "x" * int(text)


def chatter(text: str) -> str:
    print("noise from Python")
    subprocess.run(["echo", "noise from C"], check=True)
    return text


def sleep(text: str, seat: Seat | None = None) -> str:
    time.sleep(600)
    return text


def sleep_as(path: str) -> str:
    """Write down the own number, at once and whole, and sleep."""
    draft = Path(f"{path}.draft")
    draft.write_text(str(os.getpid()))
    draft.rename(path)
    return sleep(path)


def second_time(path: str) -> str:
    """Sleep at the first call, and return at the second."""
    if Path(path).exists():
        return "again"
    return sleep_as(path)


def node(text: str) -> str:
    return os.environ["RAY_RAYLET_PID"]


def begin_and_end(path: str) -> str:
    began = time.monotonic()
    time.sleep(0.3)
    Path(path).write_text(f"{began} {time.monotonic()}")
    return path


def seat(text: str, seat: Seat) -> str:
    return f"{text} {seat.rank} {seat.size} {seat.folder} {os.getpid()}"


def one_ends(text: str, seat: Seat) -> str:
    if seat.rank == int(text):
        os._exit(3)
    return sleep(text)


def met(communicator: str, seat: Seat) -> str:
    team = meet(seat, communicator)
    tensor = torch.tensor([team.rank + 1.0])
    team.all_reduce(tensor)
    team.barrier()
    return f"{team.rank} of {team.size}: {float(tensor)}"
