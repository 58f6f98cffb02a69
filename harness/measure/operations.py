"""Counts that have no noise: floating-point operations and backward passes of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Operations:
    """What a call did, counted."""

    flops: int
    backward_passes: int


def operations_of(call: Callable[[], object]) -> Operations:
    with FlopCounterMode(display=False) as flops, _backward_passes() as passes:
        call()
    return Operations(flops.get_total_flops(), passes[0])


@contextmanager
def _backward_passes() -> Iterator[list[int]]:
    """Count entries into the autograd engine: `grad`, `backward` and torch.func all pass there."""
    count = [0]
    engine = torch.autograd._engine_run_backward  # type: ignore[attr-defined]  # no public hook sees every entry

    def counting(*arguments: Any, **options: Any) -> Any:
        count[0] += 1
        return engine(*arguments, **options)

    with mock.patch.object(torch.autograd, "_engine_run_backward", counting):
        yield count
