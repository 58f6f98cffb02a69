"""Slurm: every call is a job of its own, sent by submitit from a machine that can run sbatch.

Calls that come at once and ask for the same are sent as one array of jobs, so that a queue sees one
submission and not hundreds. A job says how many cores and GPUs it needs, how much memory, and when
it is over at the latest. One that Slurm preempts is queued again and starts from its beginning.
Whatever else a cluster asks for (a partition, an account, a constraint) goes by Slurm's own
variables, as in SBATCH_PARTITION=long.
"""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

from harness.errors import EngineMissing, UsageError
from harness.measure.engines.engine import Resources
from harness.measure.engines.node import answer
from harness.measure.engines.remote import Lost, RemoteEngine, last_line

START_S = 300.0
"""Of a job's limit: to import torch from a shared file system, on top of what its call may take."""
POLL_S = 1.0  # between two looks at whether a job's result is there
GATHER_S = 0.5  # that a call waits for others that ask for the same
OF_THE_NODE = ("NODE_FAIL", "BOOT_FAIL")
"""States of a job that was lost by no fault of its own."""
PATIENCE_S = 3600.0  # with a node that has the pair's earlier rounds, and may never be free again

Asked = tuple[float, Resources]
"""What the jobs of an array have in common; the machine is a node's name, or any."""


class OnItsNode:
    """What a job runs, and runs again should the job be preempted."""

    def __call__(self, request: str) -> tuple[str, str]:
        return os.environ.get("SLURMD_NODENAME", ""), answer(request)

    def checkpoint(self, request: str) -> Any:
        """Say what a preempted job is to start with when its turn comes again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, request)


class SlurmEngine(RemoteEngine):
    """Sends jobs, and keeps the blocks of a pair on the machine that had the first of them."""

    def __init__(
        self,
        folder: Path,
        plugins: Sequence[str] = (),
        memory_gb: float | None = None,
        cluster: Literal["slurm", "local"] = "slurm",
    ) -> None:
        """Use a folder that all machines see; submitit's local cluster is this machine."""
        try:
            import submitit
        except ModuleNotFoundError:
            raise EngineMissing("slurm", "submitit") from None
        if cluster == "slurm" and (absent := [c for c in NEEDED if shutil.which(c) is None]):
            raise UsageError(
                f"engine=slurm: there is no {' and no '.join(absent)} here. Start the run on a "
                "machine from which jobs are sent, or leave engine= out."
            )
        super().__init__(plugins)
        self._submitit, self._cluster, self._memory_gb = submitit, cluster, memory_gb
        self._failed = submitit.core.utils.FailedJobError, submitit.core.utils.UncompletedJobError
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix=".jobs-", dir=folder)
        self._closed = threading.Event()
        self._jobs: set[Any] = set()
        self._waiting: dict[Asked, list[tuple[str, Future[Any]]]] = {}
        self._gathering = threading.Lock()
        self._machines: dict[str, str] = {}

    @property
    def machines(self) -> int:
        return sys.maxsize  # as far as the harness knows: those that are too many wait in the queue

    def _send(self, request: str, limit_s: float, resources: Resources) -> str:
        node = self._machines.get(resources.machine, "")
        asked = limit_s, dataclasses.replace(resources, machine=node)
        try:
            job = self._gathered(request, asked).result()
        except self._failed as error:
            raise UsageError(f"sbatch refused a job: {last_line(error)}") from None
        self._jobs.add(job)
        try:
            if not self._is_done(job, patience_s=PATIENCE_S if node else math.inf):
                self._leave(resources.machine, node)
                return self._send(request, limit_s, resources)
            machine, reply = job.result()
        except self._failed:  # which say where its files are
            state = (str(job.state).split() or ["UNKNOWN"])[0]  # "CANCELLED by" whom, say
            if state in OF_THE_NODE:
                self._leave(resources.machine, node)
            raise Lost(f"its job ended as {state}") from None
        finally:
            self._jobs.discard(job)
        if resources.machine and machine:
            self._machines.setdefault(resources.machine, machine)
        return str(reply)

    def _leave(self, pair: str, node: str) -> None:
        """Let a pair go on elsewhere, unless another of its calls has moved it already."""
        with self._gathering:
            if self._machines.get(pair) == node:
                del self._machines[pair]

    def _is_done(self, job: Any, patience_s: float) -> bool:
        """Wait for a job; cancel one that has waited so long in the queue, and say that it is not.

        So is one that was sent while the run ended.
        """
        began = time.monotonic()
        while not job.done():
            over = self._closed.wait(POLL_S)
            waits = time.monotonic() - began > patience_s and job.state == "PENDING"
            if over or waits:
                job.cancel(check=False)
            if over:
                raise Lost("the run is over")
            if waits:
                return False
        return True

    def _gathered(self, request: str, asked: Asked) -> Future[Any]:
        """Return the job to come of a call, which waits a moment for others of its kind."""
        sent: Future[Any] = Future()
        with self._gathering:
            calls = self._waiting.setdefault(asked, [])
            calls.append((request, sent))
            if len(calls) == 1:
                timer = threading.Timer(GATHER_S, self._send_gathered, (asked,))
                timer.daemon = True
                timer.start()
        return sent

    def _send_gathered(self, asked: Asked) -> None:
        with self._gathering:
            calls = self._waiting.pop(asked)
        requests, sent = zip(*calls, strict=True)
        try:
            if self._closed.is_set():
                raise Lost("the run is over")
            jobs = self._executor(*asked).map_array(OnItsNode(), requests)
        except Exception as error:
            for each in sent:
                each.set_exception(error)
        else:
            for each, job in zip(sent, jobs, strict=True):
                each.set_result(job)

    def _executor(self, limit_s: float, resources: Resources) -> Any:
        """Return what sends jobs that ask for as much, on the node that they name if they do."""
        executor = self._submitit.AutoExecutor(self._folder, self._cluster, slurm_max_num_timeout=1)
        executor.update_parameters(
            name="harness",
            timeout_min=math.ceil((limit_s + START_S) / 60),
            cpus_per_task=resources.cores,
            gpus_per_node=resources.gpus or None,
            mem_gb=self._memory_gb,
            slurm_exclusive=resources.alone or None,
            slurm_nodelist=resources.machine or None,
            # A step has one core from Slurm 22.05 on, however many its job was given.
            slurm_srun_args=[f"--cpus-per-task={resources.cores}"],
            slurm_additional_parameters={"requeue": True},
        )
        return executor

    def close(self) -> None:
        self._closed.set()
        for job in [*self._jobs]:
            job.cancel(check=False)
        shutil.rmtree(self._folder, ignore_errors=True)


NEEDED = ("sbatch", "srun", "sacct", "scancel")
