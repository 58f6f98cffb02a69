"""key=value words become a RunConfig, or a message that says what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import config
from harness.config import WORDS, RunConfig, run_config, split_words
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.errors import UnknownName, UsageError

SUITE = Suite(
    "s", "S", (Pair("p", "a", "b", "w", "all"),), Protocol(seeds=4, rounds=7), verdicts=False
)


def refusal(*words: str) -> str:
    with pytest.raises(UsageError) as refused:
        run_config(list(words))
    return str(refused.value)


def test_no_words_mean_the_paper_on_the_cpu_with_all_cores(monkeypatch):
    monkeypatch.setattr(config, "cores", lambda: 3)
    assert run_config([]) == RunConfig(suite="paper", device="cpu", threads=3, jobs=2)


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {1, 5, 6, 7}, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert config.cores() == 4


def test_every_word_arrives(tmp_path):
    words = {
        "suite": "smoke",
        "pairs": "one, two",
        "seeds": "0,4,7",
        "rounds": "6",
        "budget": "15m",
        "threads": "2",
        "device": "cuda",
        "data_dir": str(tmp_path),
        "out": "runs/first",
        "plugin": "a.py,b.py",
        "jobs": "4",
        "engine": "ray",
        "address": "10.0.0.1:6379",
        "memory": "512M",
    }
    assert set(words) == set(WORDS) - {"resume"}
    assert run_config([f"{key}={value}" for key, value in words.items()]) == RunConfig(
        suite="smoke",
        pairs=("one", "two"),
        seeds=(0, 4, 7),
        rounds=6,
        budget_s=900.0,
        threads=2,
        device="cuda",
        data_dir=str(tmp_path),
        out=Path("runs/first"),
        plugins=("a.py", "b.py"),
        jobs=4,
        engine="ray",
        address="10.0.0.1:6379",
        memory_gb=0.5,
    )


def test_a_number_of_seeds_counts_them_and_a_list_names_them():
    assert run_config(["seeds=3"]).seeds == (0, 1, 2)
    assert run_config(["seeds=3,1"]).seeds == (3, 1)
    assert run_config(["seeds=3,"]).seeds == (3,)


def test_what_is_not_given_is_the_suites():
    assert RunConfig().seeds_of(SUITE) == (0, 1, 2, 3)
    assert RunConfig().rounds_of(SUITE) == 7
    assert RunConfig(seeds=(9,), rounds=1).seeds_of(SUITE) == (9,)
    assert RunConfig(seeds=(9,), rounds=1).rounds_of(SUITE) == 1


def test_two_untimed_blocks_share_the_cores_of_this_machine_and_nothing_shares_a_gpu():
    assert [run_config([f"threads={n}"]).jobs for n in (1, 2, 8)] == [1, 2, 2]
    assert run_config(["threads=8", "device=cuda"]).jobs == 1
    assert run_config(["threads=8", "engine=ray"]).jobs == 1
    assert run_config(["threads=8", "jobs=3"]).jobs == 3


def test_a_value_may_hold_an_equals_sign():
    assert run_config(["out=a=b"]).out == Path("a=b")


def test_a_run_is_resumed_with_its_plugins_and_data_alone(tmp_path):
    resumed = run_config([f"resume={tmp_path}", "plugin=a.py", f"data_dir={tmp_path}"])
    assert (resumed.resume, resumed.plugins) == (tmp_path, ("a.py",))
    message = refusal(f"resume={tmp_path}", "suite=smoke", "rounds=2")
    assert "resume= finishes the run as it was planned: leave out rounds, suite" in message


class TestAnUnknownWord:
    def test_is_met_with_the_nearest_and_all_others(self):
        message = refusal("suit=smoke")
        assert message.startswith(
            "unknown option 'suit' (did you mean 'suite'?). Allowed: address, budget, "
        )
        assert all(word in message for word in WORDS)

    def test_may_be_a_value_without_its_key(self):
        assert refusal("smoke").endswith("Write suite=VALUE, for example.")

    def test_is_unknown_where_fewer_words_are_allowed(self):
        with pytest.raises(UnknownName, match=r"Allowed: plugin\. Write plugin=VALUE, for"):
            split_words(["suite=smoke"], {"plugin": ""})


@pytest.mark.parametrize("word", ["suite", "suite="])
def test_a_word_without_a_value_says_what_its_value_is(word):
    assert refusal(word).startswith("suite= has no value. Write suite=VALUE: a suite's name, or")


def test_a_word_given_twice_shows_both_values():
    assert refusal("rounds=2", "rounds=3") == "rounds= is given twice, '2' and '3'. Keep one."


@pytest.mark.parametrize("name", ["seeds", "rounds", "threads"])
@pytest.mark.parametrize("value", ["x", "1.5", "", "1e3", "--1", "0x10", "³"])
def test_a_malformed_number_shows_what_to_write(name, value):
    message = refusal(f"{name}={value}")
    assert (
        f"{name}={value}: not a whole number. Write {name}=3, for example." in message or not value
    )


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("seeds=0", "from 1 to 10000"),
        ("seeds=10001", "from 1 to 10000"),
        ("seeds=-1,2", "from 0 to 2147483648"),
        ("rounds=0", "from 1 to 10000"),
        ("rounds=-3", "from 1 to 10000"),
        ("threads=0", "from 1 to 1024"),
        ("threads=1025", "from 1 to 1024"),
    ],
)
def test_a_number_out_of_bounds_shows_the_bounds(word, allowed):
    assert f"must be {allowed}" in refusal(word)


def test_a_seed_may_be_named_once():
    assert refusal("seeds=1,2,1") == "seeds=1,2,1: the same seed twice. Give each seed once."


@pytest.mark.parametrize("name", ["pairs", "seeds", "plugin"])
@pytest.mark.parametrize("value", [",", ",1", "1,,2", " , ", "1, ,"])
def test_a_list_has_something_beside_every_comma(name, value):
    assert f"{name}={value}: empty beside a comma" in refusal(f"{name}={value}")


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:0", "cuda:12"])
def test_a_device_is_the_cpu_or_a_gpu(device):
    assert run_config([f"device={device}"]).device == device


@pytest.mark.parametrize(
    "device",
    ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:²", "CUDA", "cuda:0:1", "cuda:0\n"],
)
def test_another_device_is_refused_with_those_that_there_are(device):
    message = refusal(f"device={device}")
    assert message.startswith(f"unknown device {device!r}")
    assert "Allowed: cpu, cuda, cuda:0, cuda:1." in message


def test_a_data_folder_must_be_there(tmp_path):
    absent = tmp_path / "absent"
    assert refusal(f"data_dir={absent}") == (
        f"data_dir={absent}: no such folder. Give the path of an existing folder."
    )
