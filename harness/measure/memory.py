"""Bytes: what is alive when a step starts, and the most that it adds."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch.profiler import ProfilerActivity, profile


@dataclass(frozen=True)
class Peak:
    """The most bytes that a call had alive above those at its start."""

    peak_bytes: int
    reserved_bytes: int | None
    resident_bytes: int


def peak_of(call: Callable[[], object], device: str) -> Peak:
    """Return the peak of a call, exact to the byte and without the allocator's slack."""
    gc.collect()  # what is given back inside must have been taken inside
    if device.startswith("cuda"):
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        call()
        torch.cuda.synchronize(device)
        peak = torch.cuda.max_memory_allocated(device) - before
        return Peak(peak, torch.cuda.max_memory_reserved(device), _resident())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    return Peak(_highest_sum(profiler), None, _resident())


def _highest_sum(profiler: profile) -> int:
    """Follow the allocator's events: each carries the bytes taken, or given back as a negative."""
    results: Any = profiler.profiler.kineto_results  # type: ignore[union-attr]  # set by now
    events = [event for event in results.events() if event.name() == "[memory]"]
    alive = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        highest = max(highest, alive)
    return highest


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
