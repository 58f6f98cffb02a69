"""Threads that share the tasks of a meta-batch, with a core each.

A thread keeps its own tasks in its core's cache and waits for nobody, where an operation that is
split over the cores ends when the last of them does. Autograd runs in the thread that calls it, so
a thread's backward passes are its own too.

Whoever counts operations or follows bytes sees one thread alone. Under a count all parts run in the
calling thread, one after another: the operations are the same. Under a profiler they run there as
one part that is as large as those of all threads together, whose peak theirs can't exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode

A = TypeVar("A")
B = TypeVar("B")


def shared(work: Callable[[A], B], parts: Sequence[A], threads: int) -> list[B]:
    """Return what the work gives of every part, in their order."""
    if threads == 1 or len(parts) == 1 or operations_are_counted():
        return [work(part) for part in parts]
    return list(_crew(threads).map(work, parts))


def operations_are_counted() -> bool:
    """Say whether each operation of the calling thread is looked at, as a count or a trace does."""
    return _get_current_dispatch_mode() is not None


def bytes_are_followed() -> bool:
    """Say whether a profiler watches the calling thread."""
    enabled: bool = torch.autograd._profiler_enabled()  # type: ignore[attr-defined]  # no public way
    return enabled


@cache
def _crew(threads: int) -> ThreadPoolExecutor:
    """Start the threads, and leave to all others as many cores as they had."""
    usual, all_there = torch.get_num_threads(), Barrier(threads)
    crew = ThreadPoolExecutor(threads, initializer=_take_one_core)
    list(crew.map(lambda _: all_there.wait(), range(threads)))
    torch.set_num_threads(usual)  # threads that are still to come take what was set last
    return crew


def _take_one_core() -> None:
    torch.set_num_threads(1)
    torch.get_num_threads()  # a thread that was never asked would take what others set later
