"""How a meta-batch is dealt out: the tasks of each call, and the calls of each thread."""

from __future__ import annotations

from collections.abc import Iterator

from harness.declare.tree import rows
from methods.call_plan import CallPlan
from methods.task_threads import bytes_are_followed
from suites.fewshot import Tasks


def calls(batch: Tasks, tasks: int) -> Iterator[Tasks]:
    """Yield the tasks of each call, so many at a time."""
    for start in range(0, len(batch), tasks):
        of_call: Tasks = rows(batch, range(start, min(start + tasks, len(batch))))
        yield of_call


def shares(batch: Tasks, plan: CallPlan) -> list[list[Tasks]]:
    """Return the calls that each thread has; who follows bytes sees one thread."""
    if bytes_are_followed():
        return [list(calls(batch, plan.at_once))]
    every = list(calls(batch, plan.tasks))
    share = -(-len(every) // plan.threads)
    return [every[start : start + share] for start in range(0, len(every), share)]
