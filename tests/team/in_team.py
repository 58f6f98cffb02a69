"""Functions that tests call in every rank of a team."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import psutil
import torch

from harness.team.communicator import Communicator, Sent


def numbers(rank: int, count: int, dtype: str) -> torch.Tensor:
    """Return what a rank brings to a sum: other numbers in every rank, that do round."""
    values = torch.arange(count, dtype=torch.float64) * 0.37 + 1 / (rank + 3)
    return values.to(getattr(torch, dtype))


def place(team: Communicator) -> tuple[int, int, list[int]]:
    return team.rank, team.size, list(team.share(7))


def summed(team: Communicator, count: int, dtype: str) -> tuple[bytes, list[float], str]:
    tensor = numbers(team.rank, count, dtype)
    team.all_reduce(tensor)
    return tensor.numpy().tobytes(), tensor.tolist(), str(tensor.dtype)


def summed_strided(team: Communicator) -> tuple[list[float], list[list[float]], list[float]]:
    """Sum every second entry, a matrix that only one rank holds transposed, and a scalar."""
    line = numbers(team.rank, 10, "float64")
    team.all_reduce(line[::2])
    square = numbers(team.rank, 6, "float64").reshape(2, 3)
    if team.rank == 0:
        square = square.t().contiguous().t()
    team.all_reduce(square)
    scalar = torch.tensor(float(team.rank))
    team.all_reduce(scalar)
    return line.tolist(), square.tolist(), scalar.tolist()


def summed_leaf(team: Communicator) -> tuple[list[float], bool]:
    """Sum a parameter, which autograd guards against changes in place."""
    leaf = torch.ones(2, requires_grad=True)
    team.all_reduce(leaf)
    return leaf.tolist(), leaf.requires_grad


def overlapped(team: Communicator, parts: int) -> tuple[list[list[float]], float, Sent]:
    """Start several sums, compute meanwhile, and wait for them the other way round."""
    tensors = [numbers(team.rank, 1000 + part, "float32") for part in range(parts)]
    pending = [team.start_all_reduce(tensor) for tensor in tensors]
    meanwhile = float((torch.ones(50, 50) @ torch.ones(50, 50)).sum())
    for each in reversed(pending):
        each.wait()
    return [tensor.tolist() for tensor in tensors], meanwhile, team.traffic.so_far()


def broadcast(team: Communicator, root: int) -> tuple[list[float], list[int], list[float]]:
    tensor = numbers(team.rank, 4, "float32")
    team.broadcast(tensor, root)
    whole = torch.tensor([team.rank])
    team.broadcast(whole, root)
    strided = numbers(team.rank, 4, "float64")
    team.broadcast(strided[::2], root)
    return tensor.tolist(), whole.tolist(), strided.tolist()


def gathered(team: Communicator) -> list[str]:
    return team.gather(f"rank {team.rank}: " + "ä\n" * team.rank)


def counted(team: Communicator) -> list[Sent]:
    """Return the traffic at the start, after two sums, and after what is not counted."""
    seen = [team.traffic.so_far()]
    team.all_reduce(torch.ones(3))
    team.all_reduce(torch.ones(5, dtype=torch.float64))
    seen.append(team.traffic.so_far())
    team.broadcast(torch.ones(3))
    team.gather("")
    team.barrier()
    return [*seen, team.traffic.so_far()]


def waited(team: Communicator) -> tuple[float, float]:
    """Let rank 0 come late; return how long each rank waited in the sum and at the barrier."""
    team.barrier()
    late = 0.3 if team.rank == 0 else 0.0
    time.sleep(late)
    team.all_reduce(torch.ones(3))
    in_sum = team.traffic.seconds
    time.sleep(late)
    start = time.perf_counter()
    team.barrier()
    return in_sum, time.perf_counter() - start


def empty(team: Communicator) -> tuple[list[float], list[float]]:
    nothing = torch.empty(0)
    team.all_reduce(nothing)
    something = torch.ones(1)
    team.all_reduce(something)
    return nothing.tolist(), something.tolist()


def goes_wrong(team: Communicator, rank: int, how: str) -> Any:
    """Let one rank fail while the others wait for it."""
    if team.rank == rank:
        if how == "raises":
            raise ValueError("out of ideas")
        os.kill(os.getpid(), signal.SIGKILL)
    team.all_reduce(torch.ones(1))


def listened_at(team: Communicator) -> list[str]:
    connections = psutil.Process().net_connections("inet")
    return [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]
