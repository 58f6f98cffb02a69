"""Workers are fresh processes: what they leave behind, and what becomes of them in trouble."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.declare.passes import Seen
from harness.measure.block import Block
from harness.measure.engines.local import LocalEngine
from harness.measure.engines.outcome import record_from_answer
from harness.records.record import Record
from tests.measure.conftest import QUICK, make_block
from tests.records.made import PASSES


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine() as engine:
        yield engine


def run(engine: LocalEngine, block: Block) -> Record[Seen]:
    answer = engine.call("harness.measure.worker:work", block.to_json(), block.protocol.limit_s, ())
    return record_from_answer(answer, block, PASSES)


def test_a_call_returns_what_the_function_returned(engine: LocalEngine):
    answer = engine.call("os.path:basename", "/some/where", 10, ())
    assert (answer.text, answer.exit, answer.timed_out) == ("where", 0, False)


def test_every_call_has_a_process_of_its_own(engine: LocalEngine):
    pids = {engine.call("tests.measure.in_worker:pid", "", 10, ()).text for _ in range(3)}
    assert len(pids) == 3
    assert str(os.getpid()) not in pids


def test_a_worker_starts_in_milliseconds_because_torch_is_there_already(engine: LocalEngine):
    loaded = engine.call("tests.measure.in_worker:imported_before_the_call", "torch", 10, ())
    assert loaded.text == "True"


def test_a_worker_changes_nothing_for_the_next(engine: LocalEngine):
    assert engine.call("tests.measure.in_worker:count_calls", "", 10, ()).text == "1"
    assert engine.call("tests.measure.in_worker:count_calls", "", 10, ()).text == "1"


def test_a_large_answer_comes_back_whole(engine: LocalEngine):
    assert len(engine.call("tests.measure.in_worker:repeat", "3000000", 20, ()).text) == 3_000_000


def test_what_a_worker_prints_stays_out_of_its_answer(engine: LocalEngine):
    answer = engine.call("tests.measure.in_worker:chatter", "x", 10, ())
    assert answer.text == "x"
    assert "noise from C" in answer.log


def test_a_block_that_hangs_is_ended_with_all_that_it_started(engine: LocalEngine):
    block = make_block("hangs", protocol=dataclasses.replace(QUICK, limit_s=2))
    start = time.monotonic()
    record = run(engine, block)
    assert record.status == "timeout"
    assert "limit of 2 s" in (record.reason or "")
    assert time.monotonic() - start < 30
    assert not _orphans()


def test_a_crash_is_a_record_that_names_the_signal(engine: LocalEngine):
    record = run(engine, make_block("dies"))
    assert record.status == "died"
    assert "SIGABRT" in (record.reason or "")


def test_the_engine_goes_on_after_a_crash(engine: LocalEngine):
    run(engine, make_block("dies"))
    assert run(engine, make_block()).status == "ok"


def test_a_server_that_was_killed_is_started_again():
    with LocalEngine() as engine:
        assert engine.call("os.path:basename", "/a/b", 10, ()).text == "b"
        (server,) = engine._servers
        os.kill(server.pid, signal.SIGKILL)
        assert engine.call("os.path:basename", "/a/b", 10, ()).died_of
        assert engine.call("os.path:basename", "/a/b", 10, ()).text == "b"


def test_a_first_server_that_was_killed_is_started_again_for_further_imports():
    with LocalEngine() as engine:
        assert engine.call("os.path:basename", "/a/b", 10, ()).text == "b"
        assert engine._first is not None
        os.kill(engine._first.pid, signal.SIGKILL)
        assert engine.call("os.path:basename", "/a/b", 10, ()).text == "b"
        known = ("colorsys",)
        assert engine.call("tests.measure.in_worker:imported", "colorsys", 10, known).text == "yes"


def test_what_a_server_imports_cannot_keep_it_from_ending(tmp_path: Path, monkeypatch: Any):
    (tmp_path / "stays.py").write_text("import atexit, time; atexit.register(time.sleep, 600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    start = time.monotonic()
    with LocalEngine() as engine:
        assert engine.call("os.path:basename", "/a/b", 10, ("stays",)).text == "b"
        (server,) = engine._servers
        os.kill(server.pid, signal.SIGSTOP)  # nor can what else keeps it
    assert time.monotonic() - start < 60
    assert not psutil.pid_exists(server.pid)


def test_an_engine_that_is_left_answers_who_still_waits():
    engine = LocalEngine()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(engine.call, "tests.measure.in_worker:sleep", "", 600, ())
        while not (engine._servers and psutil.Process(engine._servers[0].pid).children()):
            time.sleep(0.05)
        engine.close()
        assert not waiting.result(timeout=20).text
        assert not engine.call("os.path:basename", "/a/b", 10, ("colorsys",)).text


def test_an_older_engine_that_asks_through_pipes_is_answered():
    request = {"call": "os.path:basename", "text": "/a/b", "limit_s": 10, "ranks": None}
    with subprocess.Popen(
        [sys.executable, "-m", "harness.measure.forkserver", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert json.loads(server.stdout.readline()) == {"threads": 1, "forks": False}
        server.stdin.write(json.dumps(request) + "\n")
        assert json.loads(server.stdout.readline())[0]["text"] == "b"
        server.stdin.close()
        assert server.wait(timeout=20) == 0


def test_torch_is_imported_once_for_all_servers():
    with LocalEngine() as engine:
        for module in ("colorsys", "wave"):
            assert engine.call("tests.measure.in_worker:pid", "", 30, (module,)).exit == 0
        assert engine._first is not None
        forked = psutil.Process(engine._first.pid).children()
        assert [process.pid for process in forked] == [server.pid for server in engine._servers]


@pytest.mark.parametrize(
    "text",
    [
        "import os; os._exit(3)",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import threading; threading.Thread(target=threading.Event().wait).start()",
    ],
    ids=["ends", "starts a thread", "starts a thread that never ends"],
)
def test_an_import_that_no_server_survives_is_left_to_the_worker(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "fatal.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalEngine() as engine:
        assert engine.call("os.path:basename", "/a/b", 10, ("fatal",)).text == "b"
        assert engine.call("tests.measure.in_worker:imported", "fatal", 10, ("fatal",)).text == "no"


def test_a_call_of_ranks_has_an_answer_of_each(engine: LocalEngine):
    answers = engine.call_ranks("tests.measure.in_worker:seat", "here", 20, (), 3)
    seats = [answer.text.split() for answer in answers]
    assert [words[:3] for words in seats] == [["here", str(rank), "3"] for rank in range(3)]
    assert len({words[3] for words in seats}) == 1
    assert not Path(seats[0][3]).exists()  # the folder where they met
    assert len({words[4] for words in seats}) == 3
    assert sorted(answer.place for answer in answers if answer.place is not None) == [0, 1, 2]


def test_ranks_do_not_outlive_one_that_ended(engine: LocalEngine):
    """Whoever is still busy long after another one ended would wait for it in vain."""
    start = time.monotonic()
    answers = engine.call_ranks("tests.measure.in_worker:one_ends", "1", 600, (), 3)
    assert [answer.place for answer in answers] == [None, 0, None]
    assert [answer.exit for answer in answers] == [-signal.SIGKILL, 3, -signal.SIGKILL]
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("call", ["call({}, '', 600, ())", "call_ranks({}, '', 600, (), 2)"])
@pytest.mark.parametrize("depth", ["server", "manager"])
def test_workers_end_when_their_server_or_whoever_asked_is_killed(depth: str, call: str):
    """Nothing outlives a kill -9 of the manager or of the server."""
    program = (
        "from harness.measure.engines.local import LocalEngine\n"
        f"LocalEngine().{call.format(repr('tests.measure.in_worker:sleep'))}\n"
    )
    manager = subprocess.Popen([sys.executable, "-c", program])
    first, server, *workers = _wait_for_children(manager.pid, 4 if "ranks" in call else 3)
    children = workers if depth == "server" else [first, server, *workers]
    os.kill(server.pid if depth == "server" else manager.pid, signal.SIGKILL)
    manager.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_a_peer_whose_imports_bring_an_allocator_with_threads_is_imported_by_a_server():
    pytest.importorskip("learn2learn", reason="the peer is not installed")
    with LocalEngine() as engine:
        known = ("baselines.learn2learn_maml",)
        answer = engine.call("tests.measure.in_worker:imported", "learn2learn", 60, known)
    assert answer.text == "yes"


def _wait_for_children(pid: int, count: int) -> list[psutil.Process]:
    for _ in range(300):
        children = psutil.Process(pid).children(recursive=True)
        if len(children) >= count:
            return children
        time.sleep(0.1)
    raise AssertionError("the worker did not start")


def _orphans() -> list[psutil.Process]:
    def marked(process: psutil.Process) -> bool:
        try:
            return any("# orphan" in word for word in process.cmdline())
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if marked(process)]
