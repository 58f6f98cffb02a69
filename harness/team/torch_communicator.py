"""The communicator over torch.distributed: gloo for tensors of the CPU, NCCL for those of a GPU."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from harness.errors import TeamBroken, UsageError
from harness.team.communicator import Communicator


@dataclass
class TorchCommunicator(Communicator):
    """A rank's end of a process group."""

    group: dist.ProcessGroup | None = None  # None is the group of all processes

    def broadcast(self, tensor: Tensor, root: int = 0) -> None:
        with _naming_the_team(self):
            values = tensor.detach().contiguous()
            dist.broadcast(values, group=self.group, group_src=root)
            tensor.detach().copy_(values)

    def gather(self, text: str) -> list[str]:
        texts: list[str] = [""] * self.size
        with _naming_the_team(self):
            dist.all_gather_object(texts, text, group=self.group)
        return texts

    def close(self) -> None:
        if dist.is_initialized():
            dist.destroy_process_group(self.group)
        self.group = None  # whoever still held it when the process ends would abort it

    def _start_sum(self, tensor: Tensor) -> Callable[[], object]:
        if not tensor.numel():
            return lambda: None
        # Ranks whose strides differ would otherwise add up elements that do not belong together.
        values = tensor.contiguous()
        with _naming_the_team(self):
            work = dist.all_reduce(values, group=self.group, async_op=True)
        assert work is not None  # it is, for whoever is no member of the group

        def finish() -> None:
            with _naming_the_team(self):
                if tensor.is_cuda:
                    self._wait_on_device(work)
                else:
                    work.wait()
            if values is not tensor:
                tensor.copy_(values)

        return finish

    def _wait_on_device(self, work: dist.Work) -> None:
        """Let the device wait, and the host go on: a span that only the device can measure."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work.wait()
        end.record()

        def read() -> float:
            end.synchronize()
            return float(start.elapsed_time(end)) / 1e3

        self.traffic.waits_on_device(read)


def join(where: str, rank: int, size: int, device: str, stall_s: float) -> TorchCommunicator:
    """Meet the other ranks at "file:///..." or "env://", and make the process group of all."""
    if dist.is_initialized():
        raise UsageError(
            "torch.distributed is already initialised in this process. Leave that to the harness: "
            "its process group sends text over the CPU and tensors from where they are."
        )
    backend = "gloo"  # what ranks say to each other in words goes over the CPU in any case
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    with _naming_the_team(None):
        dist.init_process_group(
            backend,
            init_method=where,
            rank=rank,
            world_size=size,
            timeout=timedelta(seconds=stall_s),
        )
    team = TorchCommunicator(rank, size, group=dist.group.WORLD)
    atexit.register(team.close)  # gloo's threads abort a process that ends while it has a group
    return team


@contextmanager
def _naming_the_team(team: TorchCommunicator | None) -> Iterator[None]:
    """Tell a broken wire from this rank's own failures: torch raises RuntimeError for either."""
    try:
        yield
    except RuntimeError as error:
        who = "it" if team is None else f"rank {team.rank} of {team.size}"
        first = (str(error).splitlines() or [""])[0]
        raise TeamBroken(f"{who} lost the others: {first}") from error
