"""The communicator over Horovod, which the published QMAML uses."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.errors import Absent, PeerMissing, TeamBroken
from harness.team.communicator import Communicator, Seat

END = b"\xff"  # of a text, which holds no such byte in UTF-8


@dataclass
class HorovodCommunicator(Communicator):
    """A rank's end of a set of Horovod's processes."""

    hvd: Any
    processes: Any
    stall_s: float
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False)

    def broadcast(self, tensor: Tensor, root: int = 0) -> None:
        values = tensor.detach().contiguous()
        self._wait(self._start(self.hvd.broadcast_async_, values, root_rank=root))
        tensor.detach().copy_(values)

    def gather(self, text: str) -> list[str]:
        letters = torch.frombuffer(bytearray(text.encode() + END), dtype=torch.uint8)
        told = self._wait(self._start(self.hvd.allgather_async, letters))
        return [each.decode() for each in told.numpy().tobytes().split(END)[:-1]]

    def close(self) -> None:
        self.hvd.shutdown()

    def _start_sum(self, tensor: Tensor) -> Callable[[], object]:
        if not tensor.numel():
            return lambda: None
        values = tensor.contiguous()
        handle = self._start(self.hvd.allreduce_async_, values, op=self.hvd.Sum)

        def finish() -> None:
            self._wait(handle)
            if values is not tensor:
                tensor.copy_(values)

        return finish

    def _start(self, call: Callable[..., int], tensor: Tensor, **options: Any) -> int:
        """Begin under a name that all ranks give to the same call: Horovod matches them by it."""
        with _naming_the_team(self):
            return call(
                tensor, name=f"call {next(self._numbers)}", process_set=self.processes, **options
            )

    def _wait(self, handle: int) -> Tensor:
        """Wait as Horovod itself does, by asking again and again; but not for ever, as it does."""
        deadline = time.monotonic() + self.stall_s
        while not self.hvd.poll(handle):
            if time.monotonic() > deadline:
                raise TeamBroken(
                    f"rank {self.rank} of {self.size} lost the others: "
                    f"it waited {self.stall_s:g} s for them"
                )
            os.sched_yield()
        with _naming_the_team(self):
            result: Tensor = self.hvd.synchronize(handle)
        return result


def join(seat: Seat, device: str, stall_s: float) -> HorovodCommunicator:
    """Meet the other ranks in the seat's folder."""
    os.environ |= {
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_HOSTNAME": "localhost",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": "127.0.0.1",
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(_port(seat, stall_s)),
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(max(1, round(stall_s))),
        **{f"HOROVOD_{whose}RANK": str(seat.rank) for whose in ("", "LOCAL_")},
        **{f"HOROVOD_{whose}SIZE": str(seat.size) for whose in ("", "LOCAL_")},
        "HOROVOD_CROSS_RANK": "0",
        "HOROVOD_CROSS_SIZE": "1",
    }
    return join_from_environment(device, stall_s)


def join_from_environment(device: str, stall_s: float) -> HorovodCommunicator:
    """Meet the other ranks where the variables of horovodrun say."""
    hvd = _horovod()
    if device.startswith("cuda") and not hvd.nccl_built():
        raise Absent(
            f"device={device}: this Horovod was built without NCCL. "
            'Use device=cpu, or communicator = "torch".'
        )
    with _naming_the_team(None):
        hvd.init()
    everyone = hvd.global_process_set
    return HorovodCommunicator(hvd.rank(), hvd.size(), hvd=hvd, processes=everyone, stall_s=stall_s)


def _horovod() -> Any:
    try:
        import horovod.torch as hvd
    except ImportError as error:
        raise PeerMissing("horovod", str(error)) from error
    return hvd


def _port(seat: Seat, patience_s: float) -> int:
    """Return the port that rank 0 listens on, which is any that is free and told in a file."""
    told = Path(seat.folder, "port")
    if seat.rank == 0:
        _horovod()  # if it is missing, that is what this rank must say
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

        server = RendezvousHTTPServer(("127.0.0.1", 0), RendezvousHandler, 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        written = told.with_suffix(".new")
        written.write_text(str(server.server_address[1]))
        written.rename(told)
    deadline = time.monotonic() + patience_s
    while not told.exists():
        if time.monotonic() > deadline:
            raise TeamBroken(f"rank {seat.rank} of {seat.size} lost the others: rank 0 never came")
        time.sleep(0.01)
    return int(told.read_text())


@contextmanager
def _naming_the_team(team: HorovodCommunicator | None) -> Iterator[None]:
    """Tell a broken wire from this rank's own failures."""
    try:
        yield
    except RuntimeError as error:  # HorovodInternalError is one
        who = "it" if team is None else f"rank {team.rank} of {team.size}"
        first = (str(error).splitlines() or [""])[0]
        raise TeamBroken(f"{who} lost the others: {first}") from error
