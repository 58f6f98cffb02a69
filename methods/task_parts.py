"""The parts of a meta-batch: the tasks of each call, and the calls of each thread."""

from __future__ import annotations

from collections.abc import Iterator

from harness.declare.tree import rows
from methods.call_plan import CallPlan
from methods.task_threads import bytes_are_followed
from suites.fewshot import Tasks


def parts(batch: Tasks, size: int) -> Iterator[Tasks]:
    for start in range(0, len(batch), size):
        part: Tasks = rows(batch, range(start, min(start + size, len(batch))))
        yield part


def shares(batch: Tasks, plan: CallPlan) -> list[list[Tasks]]:
    """Return the parts of a batch that each thread has; who follows bytes sees one thread."""
    if bytes_are_followed():
        return [list(parts(batch, plan.at_once))]
    every = list(parts(batch, plan.tasks))
    share = -(-len(every) // plan.threads)
    return [every[start : start + share] for start in range(0, len(every), share)]
