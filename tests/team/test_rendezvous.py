"""Ranks find each other: where the harness starts them, under launchers, and beside others."""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
import torch
import torch.distributed as dist

from harness.errors import PeerMissing, UnknownName, UsageError
from harness.measure.engines.local import LocalEngine
from harness.team import rendezvous, torch_communicator
from harness.team.communicator import Alone, Seat
from harness.team.rendezvous import COMMUNICATORS, from_environment, meet
from tests.command import ROOT, harness
from tests.team import in_team
from tests.team.teams import HOROVOD_IS_MISSING, Teams

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
HOROVODRUN = [str(Path(sys.executable).with_name("horovodrun")), "-np", "2", "--gloo"]
LAUNCHED = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


def require(communicator: str) -> None:
    if communicator == "horovod":
        pytest.importorskip("horovod.torch", reason=HOROVOD_IS_MISSING)


def test_ranks_listen_on_the_loopback_interface_alone(teams: Teams) -> None:
    for rank in teams.run(2, in_team.listened_at):
        assert rank, "a rank that listens nowhere could not be met"
        assert {ip_address(each).is_loopback for each in rank} == {True}


def test_an_interface_that_the_user_named_stays(monkeypatch) -> None:
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "eth7")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    rendezvous._stay_on_this_machine()
    assert os.environ["NCCL_SOCKET_IFNAME"] == "eth7"
    assert os.environ["GLOO_SOCKET_IFNAME"] in psutil.net_if_addrs()


@pytest.mark.slow
@pytest.mark.parametrize("communicator", COMMUNICATORS)
def test_a_script_finds_the_team_that_a_launcher_started(communicator: str, tmp_path: Path):
    require(communicator)
    launcher = TORCHRUN if communicator == "torch" else [*HOROVODRUN, sys.executable]
    done = subprocess.run(
        [*launcher, "-m", "tests.team.under_launcher", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kind = f"{communicator.title()}Communicator"
    for rank in range(2):
        told = json.loads((tmp_path / f"{rank}.json").read_text())
        tasks = [[0, 2, 4], [1, 3]][rank]
        assert told == [kind, rank, 2, tasks, [3.0, 20.0], ["here", "here"]]


def test_without_a_launcher_a_script_is_alone(monkeypatch: pytest.MonkeyPatch):
    for name in (*LAUNCHED, "HOROVOD_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(from_environment(), Alone)


@pytest.mark.parametrize("words", [("run", "suite=smoke"), ("gate", "base=HEAD")])
def test_what_is_timed_is_not_done_once_a_rank(words: tuple[str, ...]):
    done = harness(*words, env=LAUNCHED)
    assert done.returncode == 2
    assert (
        f"the {words[0]} was started by torchrun, which would repeat it in every rank"
        in done.stderr
    )


@pytest.mark.parametrize("communicator", COMMUNICATORS)
def test_teams_meet_beside_each_other_and_whatever_ports_are_taken(
    communicator: str, monkeypatch: pytest.MonkeyPatch
):
    """No port is agreed on beforehand: what is in use elsewhere is never asked for."""
    require(communicator)
    call = "tests.measure.in_worker:met"

    def meet_once(engine: LocalEngine) -> list[str]:
        answers = engine.call_ranks(call, communicator, 60, (), 2)
        return [answer.text or answer.log for answer in answers]

    engines = LocalEngine(), LocalEngine()
    with socket.create_server(("127.0.0.1", 0)) as taken, engines[0], engines[1]:
        for name in ("MASTER_PORT", "HOROVOD_GLOO_RENDEZVOUS_PORT"):
            monkeypatch.setenv(name, str(taken.getsockname()[1]))
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(meet_once, engines))
    assert told == [["0 of 2: 3.0", "1 of 2: 3.0"]] * 2


def test_a_communicator_that_is_not_there_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "horovod.torch", None)
    monkeypatch.setitem(sys.modules, "horovod", None)
    with pytest.raises(PeerMissing, match="python -m baselines.install horovod"):
        meet(Seat(0, 2, str(tmp_path)), "horovod")


def test_an_unknown_communicator_is_told_the_known_ones(tmp_path: Path):
    with pytest.raises(UnknownName, match="'tourch' .did you mean 'torch'"):
        meet(Seat(0, 2, str(tmp_path)), "tourch")


def test_on_gpus_tensors_go_over_nccl_and_words_over_gloo(monkeypatch: pytest.MonkeyPatch):
    """What can be seen without a GPU: which backends are asked for, and on which device."""
    asked: dict[str, object] = {}
    monkeypatch.setattr(atexit, "register", lambda call: None)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: asked.update(device=device))
    monkeypatch.setattr(
        dist, "init_process_group", lambda backend, **rest: asked.update(backend=backend, **rest)
    )
    torch_communicator.join("env://", 3, 4, "cuda:3", stall_s=7)
    assert (asked["device"], asked["backend"]) == ("cuda:3", "cpu:gloo,cuda:nccl")
    assert (asked["rank"], asked["world_size"]) == (3, 4)


def test_a_process_group_of_somebody_else_s_is_not_taken_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    with pytest.raises(UsageError, match="is already initialised in this process"):
        torch_communicator.join("env://", 0, 2, "cpu", stall_s=7)


@dataclasses.dataclass(frozen=True)
class Code:
    """A copy of the project whose ranks run it."""

    folder: Path

    @classmethod
    def copied(cls, to: Path) -> Code:
        for name in ("harness", "baselines", "methods", "suites"):
            ignored = shutil.ignore_patterns("__pycache__", "*.npz")
            shutil.copytree(ROOT / name, to / name, ignore=ignored)
        return cls(to)

    def rank(self, rank: int, meeting: str, *plugins: Path) -> subprocess.Popen[str]:
        words = [str(plugin) for plugin in plugins]
        program = (
            "from harness.team.communicator import Seat\n"
            "from harness.errors import UsageError\n"
            "from harness.team.rendezvous import meet\n"
            "try:\n"
            f"    meet(Seat({rank}, 2, {meeting!r}), stall_s=60, plugins={words!r})\n"
            "except UsageError as error:\n"
            "    print(error)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            stdout=subprocess.PIPE,
            text=True,
        )


def told_by(*ranks: subprocess.Popen[str]) -> list[str]:
    told = [rank.communicate(timeout=120)[0].strip() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * len(ranks)
    return told


@pytest.mark.slow
def test_ranks_of_different_code_refuse_to_start_and_name_what_differs(tmp_path: Path):
    ours, theirs = Code(ROOT), Code.copied(tmp_path / "theirs")
    file = theirs.folder / "harness" / "seeds.py"
    file.write_text(file.read_text() + "# patched\n")
    (theirs.folder / "methods" / "new.py").write_text('"""Nothing."""\n')
    with tempfile.TemporaryDirectory() as meeting:
        told = told_by(ours.rank(0, meeting), theirs.rank(1, meeting))
    assert told[0] == told[1]
    assert told[0].startswith("rank 1 of 2 does not run what rank 0 runs: harness/seeds.py (")
    assert "methods/new.py (" in told[0]
    assert ", not absent)" in told[0]


@pytest.mark.slow
def test_ranks_of_different_plugins_refuse_to_start(tmp_path: Path):
    plugins = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        plugins.append(tmp_path / name / "mine.py")
        plugins[-1].write_text(
            "from baselines.reference_maml import ReferenceMaml\n"
            "from harness.registry import method\n"
            '@method("mine")\n'
            f'class Mine(ReferenceMaml):\n    """The {name}."""\n'
        )
    code = Code(ROOT)
    with tempfile.TemporaryDirectory() as meeting:
        told = told_by(code.rank(0, meeting, plugins[0]), code.rank(1, meeting, plugins[1]))
    assert told[0] == told[1]
    assert "rank 1 of 2 does not run what rank 0 runs: plugin mine.py (" in told[0]
    with tempfile.TemporaryDirectory() as meeting:
        told = told_by(code.rank(0, meeting, plugins[0]), code.rank(1, meeting, plugins[0]))
    assert told == ["", ""]
