"""Entries of a history made by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.history.entries import Entry

MACHINE = {
    "cpu": "AMD EPYC 9654",
    "usable_cores": 2,
    "os": "Linux 6.1",
    "machine": "x86_64",
    "python": "3.11.9",
    "torch": "2.13.0+cpu",
    "blas": "mkl",
    "cuda": None,
    "gpu": None,
    "device": "cpu",
    "threads": 2,
}


def commit(number: int) -> str:
    """Return the hash of the number-th commit, which tells its number in its first digits."""
    return f"{number:08x}{'c' * 32}"


def timed(number: int, ratio: float = 1.0, *, half: float = 0.02, **changes: Any) -> Entry:
    """Return the step time of the number-th commit against the one before."""
    entry = Entry(
        commit=commit(number),
        base=commit(number - 1),
        committed=f"2026-01-{1 + number % 28:02}T03:04:05+00:00",
        started=f"2026-02-{1 + number % 28:02}T03:04:05+00:00",
        machine=dict(MACHINE),
        subject="batched_maml on sinusoid",
        measure="step_time",
        unit="s",
        counted=False,
        base_value=0.010,
        head_value=0.010 * ratio,
        ratio=ratio,
        low=ratio * (1 - half),
        high=ratio * (1 + half),
        low_error=0.025,
        high_error=0.025,
        noise_floor=0.015,
        rounds=12,
        word="same",
        reason=None,
        version="0.1.0",
    )
    return dataclasses.replace(entry, **changes)


def counted(number: int, before: int, after: int, **changes: Any) -> Entry:
    """Return the peak bytes of the number-th commit and the one before."""
    ratio = after / before if before and after else None
    fixed = {
        "measure": "peak_bytes",
        "unit": "bytes",
        "counted": True,
        "base_value": float(before),
        "head_value": float(after),
        "ratio": ratio,
        "low": ratio,
        "high": ratio,
        "low_error": None,
        "high_error": None,
        "noise_floor": None,
        "rounds": 1,
    }
    return dataclasses.replace(timed(number), **(fixed | changes))
