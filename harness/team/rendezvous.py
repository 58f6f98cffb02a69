"""How ranks meet: in a team that the harness starts, or in one that torchrun or Horovod started.

    team = from_environment()      # in a script under torchrun or horovodrun; alone elsewhere
    place = Place(team=team)

Ranks that run different code or different packages refuse to start.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from harness.errors import UnknownName, UsageError
from harness.team.communicator import Alone, Communicator, Seat
from harness.team.fingerprint import fingerprint, require_the_same

COMMUNICATORS = ("torch", "horovod")

STALL_S = 60.0
"""How long a rank waits for another: they do the same work, so who is later than this hangs."""

LISTENERS = ("GLOO_SOCKET_IFNAME", "HOROVOD_GLOO_IFACE", "NCCL_SOCKET_IFNAME")
"""The variables by which those who listen for ranks are told their interface."""


def meet(
    seat: Seat,
    communicator: str = "torch",
    device: str = "cpu",
    stall_s: float = STALL_S,
    plugins: Sequence[str] = (),
) -> Communicator:
    """Return a rank's end of a team that the harness started on this machine.

    No port is fixed beforehand that could be in use: the ranks meet in a folder, and listen on
    ports that the system picks among those that are free.
    """
    _stay_on_this_machine()
    team: Communicator
    if communicator == "torch":
        from harness.team import torch_communicator

        where = Path(seat.folder, "store").as_uri()
        team = torch_communicator.join(where, seat.rank, seat.size, device, stall_s)
    elif communicator == "horovod":
        from harness.team import horovod_communicator

        team = horovod_communicator.join(seat, device, stall_s)
    else:
        raise UnknownName("communicator", communicator, COMMUNICATORS)
    require_the_same(team, fingerprint(plugins))
    return team


def from_environment(
    device: str = "cpu", stall_s: float = STALL_S, plugins: Sequence[str] = ()
) -> Communicator:
    """Return a rank's end of the team that torchrun or horovodrun started, or of none.

    On "cuda" the rank's own GPU of its machine becomes the current one.
    """
    launcher = launched_by()
    if launcher is None:
        return Alone()
    team: Communicator
    if launcher == "horovodrun":
        from harness.team import horovod_communicator

        own = _own_device(device, "HOROVOD_LOCAL_RANK")
        team = horovod_communicator.join_from_environment(own, stall_s)
    else:
        from harness.team import torch_communicator

        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        own = _own_device(device, "LOCAL_RANK")
        team = torch_communicator.join("env://", rank, size, own, stall_s)
    require_the_same(team, fingerprint(plugins))
    return team


def launched_by() -> str | None:
    """Say which launcher started this process as one rank of several, if any did."""
    if "HOROVOD_RANK" in os.environ:
        return "horovodrun"
    return "torchrun" if {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys() else None


def require_one_process(what: str) -> None:
    """Refuse to do as several ranks what one process is to do."""
    launcher = launched_by()
    size = {"horovodrun": "HOROVOD_SIZE", "torchrun": "WORLD_SIZE"}.get(launcher or "", "")
    if int(os.environ.get(size, 1)) > 1:
        raise UsageError(
            f"{what} was started by {launcher}, which would repeat it in every rank. Start it "
            "without: the harness starts as many processes as a pair's `ranks` says."
        )


def _own_device(device: str, local_rank: str) -> str:
    return f"cuda:{os.environ.get(local_rank, 0)}" if device == "cuda" else device


def _stay_on_this_machine() -> None:
    """Keep ranks on the loopback interface; the host's name may lead elsewhere, or nowhere."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            for variable in LISTENERS:
                os.environ.setdefault(variable, name)
