"""The plan of a call: how many tasks it takes at once, what it keeps of them, and in which threads.

More tasks at once mean fewer and larger products, until they fall out of the cache; to recompute
an inner step costs a quarter more operations and saves its bytes, and it may be differentiated
again backward or forward; and cores may share every operation or have tasks of their own. Which is
faster depends on the shapes and the machine, so the candidates that fit the memory are timed on the
tasks at hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

from harness.errors import UsageError

TIMES, MOST_TIMES, ENOUGH_S = 2, 20, 0.05
"""Calls of every candidate, of which the fastest counts: the first one has the most to make. Short
ones are called until they took so many seconds, since little disturbs them much."""

Hessians = Literal["stored", "recomputed", "forward"]
"""How an inner step is differentiated again: backward through the graph of its backward pass, which
is stored until then, or made then; or forward, by the tangents of that pass."""

GRAPH_BYTES = 8 << 20
"""What a graph may keep that is differentiated once, at its end, unless it is whole: a larger one
leaves the caches, and more of them take more calls."""

TASKS, FREE_BYTES = 8, 32 << 20
"""Tasks of one inner step that may be there at once, unless memory= says otherwise; and the bytes
that they may keep even if they are more, which no one misses."""


@dataclass(frozen=True)
class CallPlan:
    """How a meta-batch is cut into calls."""

    tasks: int
    """Tasks in one call."""
    hessians: Hessians = "stored"
    threads: int = 1
    """Calls beside each other, each in a thread with one core; 1: all cores share a call."""
    compiled: bool = False
    """Whether a call is one compiled graph, in which nothing is recomputed."""
    mapped: bool = False
    """Whether vmap runs the network on the call's tasks, which else go one after another."""
    whole: bool = False
    """Whether a loss is differentiated for all the call's tasks at once, and not in GRAPH_BYTES."""

    def __str__(self) -> str:
        threads = f"{self.threads}x" if self.threads > 1 else ""
        mapped = "mapped-" if self.mapped else ""
        how = "compiled" if self.compiled else self.hessians
        return f"{threads}{self.tasks}-tasks-{mapped}{how}{'-whole' if self.whole else ''}"

    @property
    def at_once(self) -> int:
        """Tasks that are worked on at once."""
        return self.tasks * self.threads


def held(graph: int) -> int:
    """Return of how many tasks GRAPH_BYTES hold a graph of so many bytes each; one is never cut."""
    return max(1, GRAPH_BYTES // max(1, graph))


@dataclass(frozen=True)
class TaskBytes:
    """What one task keeps."""

    bent: int
    """The graph of an inner step that will be differentiated again."""
    plain: int
    """The graph of a loss that is differentiated once."""
    tangents: int
    """The graph of an inner step with tangents, and all that were formed; 0 if none are."""
    row: int
    """Its parameters."""
    capped: bool = True
    """Whether losses of a call are differentiated a few tasks at once, in GRAPH_BYTES."""

    def at_once(self, plan: CallPlan, inner_steps: int) -> int:
        """Return how many bytes the calls keep at once, at most.

        Where inner steps are stored, all their graphs are there at the query's, and at what the
        last one forms when it is differentiated: half as much as it keeps. One that is recomputed
        is there alone, and forms as much as it keeps, or twice that where vmap does. A loss's graph
        forms a fifth. Of parameters there are five rows, three more where they have tangents, one
        for every inner step and, where it is stored, its slopes; and the
        sums that each thread has of its tasks' rows, beside those of them all. These are upper
        bounds of what was measured.
        """
        bent, plain = plan.at_once * self.bent, self._once(plan, self.plain)
        plain = plan.threads * (plain + plain // 5)
        if plan.hessians == "stored":
            graphs = inner_steps * bent + max(bent // 2, plain)
        elif plan.hessians == "recomputed":
            graphs = max((3 if plan.mapped else 2) * bent, plain)
        else:
            graphs = max(self._once(plan, self.tangents), plain)
        rows_a_step = 2 if plan.hessians == "stored" else 1
        more_rows = 8 if plan.hessians == "forward" else 5
        rows = plan.at_once * (rows_a_step * inner_steps + more_rows) + plan.threads + 2
        return graphs + rows * self.row

    def is_cut(self, tasks: int) -> bool:
        """Say whether a loss of so many tasks is differentiated in parts."""
        return self.capped and tasks > held(self.plain)

    def _once(self, plan: CallPlan, graph: int) -> int:
        """Return what the graphs of a call keep at once that are differentiated once."""
        every = plan.tasks * graph
        return min(every, max(graph, GRAPH_BYTES)) if self.capped and not plan.whole else every


@dataclass(frozen=True)
class Planned:
    """The fastest plan, and the seconds a task that each candidate took."""

    plan: CallPlan
    seconds: dict[CallPlan, float]
    spent: float = field(default=0.0, compare=False)
    """Seconds that it took to find it."""

    def told(self) -> dict[str, str]:
        """Return the choice, the candidates' milliseconds a task, and what they cost in all."""
        if not self.seconds:
            return {"plan": str(self.plan)}
        taken = ",".join(f"{plan}:{1e3 * s:.3g}ms" for plan, s in self.seconds.items())
        return {"plan": str(self.plan), "candidates": taken, "planning": f"{self.spent:.3g}s"}


class Plans:
    """The plans that were made, by the work that they are of and by its shapes."""

    def __init__(self) -> None:
        self._made: dict[str, dict[Hashable, Planned]] = {}

    def get(self, work: str, shapes: Hashable, make: Callable[[], Planned]) -> Planned:
        made = self._made.setdefault(work, {})
        if shapes not in made:
            made[shapes] = make()
        return made[shapes]

    @property
    def spent(self) -> list[float]:
        """The seconds of each plan that was timed."""
        every = (planned for made in self._made.values() for planned in made.values())
        return [planned.spent for planned in every if planned.seconds]

    @property
    def told(self) -> dict[str, str]:
        """What each plan tells; that of a work's second shape has a number."""
        return {
            f"{work}{name}{f'-{number}' if number > 1 else ''}": words
            for work, made in self._made.items()
            for number, planned in enumerate(made.values(), start=1)
            for name, words in planned.told().items()
        }


def candidates(
    tasks: int,
    inner_steps: int,
    each: TaskBytes,
    threads: int = 1,
    *,
    compiled: bool = False,
    mapped: bool = False,
) -> Iterator[CallPlan]:
    """Yield the plans for so many tasks; what is compiled is a call on them all."""
    for crew in sorted({1, min(threads, tasks)}):
        ways: list[tuple[Hessians, bool]] = [("stored", False)]
        if each.bent and inner_steps > 1:
            ways.append(("recomputed", False))
            if each.tangents and crew == 1:  # threads would wait for each other
                ways.append(("forward", False))
        if mapped:
            ways.append(("recomputed" if each.bent else "stored", True))
        share = -(-tasks // crew)
        sizes = dict.fromkeys((*(2**power for power in range(share.bit_length())), share))
        for size, (hessians, by_vmap) in product(sizes, ways):
            plan = CallPlan(size, hessians, crew, mapped=by_vmap)
            yield plan
            if hessians == "stored" and each.is_cut(size):
                yield replace(plan, whole=True)
    if compiled:
        yield CallPlan(tasks, compiled=True)


def fitting(
    plans: Iterable[CallPlan], each: TaskBytes, inner_steps: int, memory: int | None
) -> list[CallPlan]:
    """Return the plans that fit the memory."""
    kept = {plan: each.at_once(plan, inner_steps) for plan in plans}
    if memory is None:
        eight = TASKS * each.at_once(CallPlan(1), 1)
        memory = max(eight, FREE_BYTES, min(kept.values()))
    if found := [plan for plan, size in kept.items() if size <= memory]:
        return found
    raise UsageError(
        f"memory = {memory}: a single task keeps {min(kept.values()):,} bytes. "
        "Give at least as many, or leave memory out."
    )


def fastest(
    plans: Sequence[CallPlan],
    tasks: int,
    call: Callable[[CallPlan], object],
    wait: Callable[[], None],
) -> Planned:
    """Time each plan on as many of the tasks as it works on at once, and wait for it to end."""
    began, seconds = time.perf_counter(), dict[CallPlan, float]()
    if len(plans) == 1:
        return Planned(plans[0], seconds)
    for plan in plans:
        taken: list[float] = []
        while len(taken) < TIMES or (sum(taken[1:]) < ENOUGH_S and len(taken) < MOST_TIMES):
            start = time.perf_counter()
            call(plan)
            wait()
            taken.append(time.perf_counter() - start)
        seconds[plan] = min(taken) / min(tasks, plan.at_once)
    best = min(seconds, key=lambda plan: seconds[plan])
    return Planned(best, seconds, time.perf_counter() - began)
