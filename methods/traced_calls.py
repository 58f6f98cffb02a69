"""Calls that are traced to one graph and compiled: no operation is dispatched, and many are fused.

A graph holds for one workload and one shape of tasks. Tracing follows the derivatives too, so what
the compiler gets is a list of plain operations, from the parameters and the tasks to the sums. It
writes C++ (on a GPU Triton), and keeps it on disk by graph, shapes and versions: a second process
pays for tracing and for loading it. In one process equal calls share what was compiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from methods.compiler import quiet, require_a_compiler
from methods.task_threads import operations_are_counted

ONE_SHAPE: dict[str, Any] = {
    "architecture": "mlp",
    "layers": 2,
    "width": 4,
    "side": 5,
    "meta_batch": 2,
    "norm": False,
    "inner_steps": 2,
    "inner_lr": 0.1,
    "first_order": False,
    "ways": 3,
    "shots": 1,
    "queries": 2,
}
"""What the random problems of a compiled learner have in common, since each shape is compiled."""

Sums = tuple[Tensor, Tensor]
Call = Callable[..., Sums]


class TracedCalls:
    """A call on tensors, compiled once for each of their shapes.

    Where operations are counted it is made as it is. `of` is all that it depends on beside its
    tensors. `seconds` has an entry for every compilation that this process had to make.
    """

    def __init__(self, call: Call, of: Hashable) -> None:
        self.seconds: list[float] = []
        self._call, self._of = call, of

    def __call__(self, *tensors: Tensor) -> Sums:
        if operations_are_counted():
            return self._call(*tensors)
        shapes = tuple((tensor.shape, tensor.stride(), tensor.dtype) for tensor in tensors)
        known = _COMPILED.get((self._of, shapes))
        if known is None:
            require_a_compiler(tensors[0].device.type)
            began = time.perf_counter()
            graph = make_fx(self._call)(*tensors)
            known = torch.compile(graph, fullgraph=True, dynamic=False)
            with torch.no_grad(), quiet():
                known(*tensors)
            self.seconds.append(time.perf_counter() - began)
            _COMPILED[self._of, shapes] = known
        with torch.no_grad():
            return known(*tensors)


_COMPILED: dict[Hashable, Call] = {}
