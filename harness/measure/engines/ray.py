"""Ray: every call is a task on a machine that has the cores, the GPUs and the memory it needs.

What is timed has a machine to itself, and the blocks of a pair stay on theirs. These machines are
of one class: their processor, cores and GPUs are alike. Without an address Ray runs on this machine
alone, and listens on the loopback interface.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.config import cores
from harness.errors import EngineMissing, UsageError
from harness.measure.engines.engine import Resources
from harness.measure.engines.node import answer
from harness.measure.engines.remote import Lost, RemoteEngine, last_line
from harness.measure.machine import processor

PATIENCE_S = 10.0  # with a cluster that is to answer at its address
QUIET = {"log_to_driver": False, "logging_level": logging.CRITICAL}
LOOPBACK = {
    # Where no cluster is allowed, Ray listens on the loopback address instead of the machine's own.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "disabled",  # it would leave a token in the user's home
}


class RayEngine(RemoteEngine):
    """Sends tasks to a Ray cluster, or to a Ray of this machine's own."""

    def __init__(
        self,
        address: str | None = None,
        plugins: Sequence[str] = (),
        memory_gb: float | None = None,
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if address is None:
            os.environ.update(LOOPBACK)  # Ray reads them when it is imported
        try:
            import ray
        except ModuleNotFoundError:
            raise EngineMissing("ray", "ray") from None
        super().__init__(plugins)
        self._ray, self._memory_gb = ray, memory_gb
        self._folder: Path | None = None
        self._choosing = threading.Lock()
        self._going: set[Any] = set()
        self._machines: dict[str, str] = {}  # who stays on which node
        self._lost: set[str] = set()  # nodes that Ray may still take for alive
        self._classes: dict[str, str] = {}  # by node
        self._ask = ray.remote(max_retries=0)(answer)
        self._look = ray.remote(max_retries=0, num_cpus=0)(processor)
        if address is None:
            self._folder = _start_here(ray)
        else:
            _connect(ray, address)

    @property
    def machines(self) -> int:
        return len([node for node in self._ray.nodes() if node["Alive"]]) or 1

    def _send(self, request: str, limit_s: float, resources: Resources) -> str:
        from ray.exceptions import NodeDiedError, RayError, RayTaskError, TaskUnschedulableError

        node, asked = self._asked_for(resources)
        task = self._ask.options(**asked).remote(request)
        self._going.add(task)
        try:
            return str(self._ray.get(task))
        except TaskUnschedulableError:  # the node is gone, and nothing has begun
            self._lost.add(node)
            return self._send(request, limit_s, resources)
        except RayTaskError as error:
            raise UsageError(f"on a machine of the cluster: {last_line(error)}") from None
        except RayError as error:  # which says where the machine is
            if isinstance(error, NodeDiedError):
                self._lost.add(node)
            raise Lost(type(error).__name__) from None
        except SystemExit:  # so Ray ends who still waits when it is left
            raise Lost("the run is over") from None
        finally:
            self._going.discard(task)

    def _asked_for(self, resources: Resources) -> tuple[str, dict[str, Any]]:
        """Return the node that a task is to be on, if it must be on one, and what Ray is told."""
        able = {
            node["NodeID"]: node["Resources"]
            for node in self._ray.nodes()
            if node["Alive"]
            and node["NodeID"] not in self._lost
            and self._has(node["Resources"], resources)
        }
        if not able:
            raise UsageError(
                f"no machine of the Ray cluster has {resources.cores} cores"
                + (f" and {resources.gpus} GPUs" if resources.gpus else "")
                + (f" and {self._memory_gb:g} GB" if self._memory_gb else "")
                + ". Use fewer threads= or less memory=, or add a machine."
            )
        asked: dict[str, Any] = {
            "num_cpus": resources.cores,
            "num_gpus": resources.gpus,
            "memory": None if self._memory_gb is None else self._memory_gb * 2**30,
            "scheduling_strategy": "SPREAD",
        }
        if not (resources.machine or resources.alone):
            return "", asked
        node = self._node_of(resources.machine, able)
        if resources.alone:
            asked["num_cpus"] = able[node]["CPU"]
        return node, asked | {"scheduling_strategy": self._on(node)}

    def _has(self, node: dict[str, float], resources: Resources) -> bool:
        memory = (self._memory_gb or 0) * 2**30
        asked = (("CPU", resources.cores), ("GPU", resources.gpus), ("memory", memory))
        return all(node.get(name, 0) >= amount for name, amount in asked)

    def _node_of(self, who: str, able: dict[str, dict[str, float]]) -> str:
        """Return the node where these calls stay, of the class that the run's first was of."""
        with self._choosing:
            if self._machines.get(who) not in able:
                alike = self._alike(able)
                kept = Counter(self._machines.values())
                self._machines[who] = min(alike, key=lambda node: kept[node])
            return self._machines[who]

    def _alike(self, able: dict[str, dict[str, float]]) -> list[str]:
        class_of = {node: self._class_of(node, has) for node, has in able.items()}
        first = next((self._classes[node] for node in self._machines.values()), None)
        wanted = first or Counter(class_of.values()).most_common(1)[0][0]
        alike = [node for node, known in class_of.items() if known == wanted]
        if not alike:
            raise UsageError(f"no machine of the Ray cluster is left that is a {wanted}")
        return alike

    def _class_of(self, node: str, has: dict[str, float]) -> str:
        if node not in self._classes:
            made_of = self._ray.get(self._look.options(scheduling_strategy=self._on(node)).remote())
            gpus = [name for name in has if name.startswith("accelerator_type:")]
            self._classes[node] = f"{made_of} with {has['CPU']:g} cores {' '.join(gpus)}".strip()
        return self._classes[node]

    def _on(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)

    def close(self) -> None:
        for task in [*self._going]:
            self._ray.cancel(task, force=True)
        self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _start_here(ray: Any) -> Path:
    """Start Ray on this machine alone, and return the folder that it keeps its sockets in."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # a socket's path must be short
    of_own = {"num_cpus": cores(), "include_dashboard": False, "_temp_dir": str(folder)}
    ray.init("local", **of_own, **QUIET)
    return folder


def _connect(ray: Any, address: str) -> None:
    try:
        if address != "auto":  # Ray itself would go on asking for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
        ray.init(address, **QUIET)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"address={address}: no Ray cluster answers there ({_first_line(error)}). Start "
            "one with `ray start --head`, or leave address= out to use this machine alone."
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason was given"])[0]
