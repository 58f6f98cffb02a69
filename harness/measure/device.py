"""The device that a block runs on."""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.errors import Absent


def require(device: str) -> None:
    """Say clearly when a device is not here; nothing ever runs on another one instead."""
    if not device.startswith("cuda"):
        return
    if not torch.cuda.is_available():
        raise Absent(
            f"device={device}: this torch ({torch.__version__}) sees no CUDA device. "
            "Use device=cpu, or install torch's CUDA build on a machine with a GPU."
        )
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise Absent(
            f"device={device}: the last device here is cuda:{torch.cuda.device_count() - 1}."
        )


def of_rank(device: str, rank: int) -> str:
    """Return the device of a rank: each has a GPU of its own, from the one that was asked for."""
    if rank == 0 or not device.startswith("cuda"):
        return device
    return f"cuda:{int(device.partition(':')[2] or 0) + rank}"


def synchronizer(device: str) -> Callable[[], None]:
    """Return what waits until the device has done all that it was given."""
    return (lambda: torch.cuda.synchronize(device)) if device.startswith("cuda") else (lambda: None)
