"""key=value words to one validated RunConfig."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.declare.protocol import DEVICE, MOST_THREADS
from harness.declare.suite import Suite
from harness.errors import UnknownName, UsageError

WORDS = {
    "suite": "a suite's name, or the path of your own TOML file (default: paper)",
    "pairs": "only these pairs, separated by commas (default: all)",
    "seeds": "how many seeds, or which ones: 3 or 0,4,7 or 4, (default: the suite's)",
    "rounds": "most rounds per seed; they end when the claims are decided (default: the suite's)",
    "budget": "most time for the run, such as 90s, 15m or 2h (default: the suite's)",
    "threads": "threads per worker process (default: the cores this process may use)",
    "device": "cpu, cuda or cuda:N (default: cpu)",
    "data_dir": "the folder of your own data sets (default: none, only the embedded data)",
    "out": "the folder to write to, new or empty (default: a new one under results/)",
    "resume": "the folder of a run to finish; may go with budget=, plugin=, data_dir= and engine=",
    "plugin": "Python files with your own components, separated by commas",
    "jobs": "how many untimed blocks share the cores (default: 2 on this machine's CPU, else 1)",
    "engine": "what runs the blocks: local, slurm or ray (default: local, this machine)",
    "address": "the Ray cluster to use, as HOST:PORT or auto (default: a new one on this machine)",
    "memory": "memory for each block on a cluster, such as 500M or 16G (default: the cluster's)",
}

ENGINES = {"local": (), "slurm": ("memory",), "ray": ("address", "memory")}
"""What runs blocks, and the options that are for it alone."""
WITH_RESUME = ("resume", "budget", "plugin", "data_dir", "engine", "address", "memory")


@dataclass(frozen=True)
class RunConfig:
    """The options of a run, read and checked."""

    suite: str = "paper"
    pairs: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    rounds: int | None = None
    budget_s: float | None = None
    threads: int = 1
    device: str = "cpu"
    data_dir: str | None = None
    out: Path | None = None
    resume: Path | None = None
    plugins: tuple[str, ...] = ()
    jobs: int = 1
    engine: str = "local"
    address: str | None = None
    memory_gb: float | None = None

    def seeds_of(self, suite: Suite) -> tuple[int, ...]:
        return tuple(range(suite.protocol.seeds)) if self.seeds is None else self.seeds

    def budget_of(self, suite: Suite) -> float:
        return suite.protocol.budget_s if self.budget_s is None else self.budget_s

    def rounds_of(self, suite: Suite) -> int:
        return suite.protocol.rounds if self.rounds is None else self.rounds


def run_config(words: list[str]) -> RunConfig:
    """Read the options of `run`."""
    given = split_words(words, WORDS)
    resume = given.get("resume")
    if resume is not None and (extra := set(given).difference(WITH_RESUME)):
        raise UsageError(
            f"resume= finishes the run as it was planned: leave out {', '.join(sorted(extra))}, "
            "or start a new run without resume=."
        )
    data_dir = given.get("data_dir")
    if data_dir is not None:
        existing_folder("data_dir", data_dir)
    engine, device = _engine(given), device_word(given.get("device", "cpu"))
    threads = (
        whole("threads", given["threads"], most=MOST_THREADS) if "threads" in given else cores()
    )
    if engine != "local" and ":" in device:
        raise UsageError(f"device={device}: the cluster assigns GPUs to blocks. Write device=cuda.")
    return RunConfig(
        suite=given.get("suite", "paper"),
        pairs=listed("pairs", given),
        seeds=_seeds(given["seeds"]) if "seeds" in given else None,
        rounds=whole("rounds", given["rounds"]) if "rounds" in given else None,
        budget_s=seconds_word("budget", given["budget"]) if "budget" in given else None,
        threads=threads,
        device=device,
        data_dir=data_dir,
        out=Path(given["out"]) if "out" in given else None,
        resume=Path(resume) if resume is not None else None,
        plugins=listed("plugin", given),
        jobs=whole("jobs", given["jobs"], most=MOST_THREADS)
        if "jobs" in given
        else _usual_jobs(engine, device, threads),
        engine=engine,
        address=_address(given["address"]) if "address" in given else None,
        memory_gb=_gigabytes("memory", given["memory"]) if "memory" in given else None,
    )


def _usual_jobs(engine: str, device: str, threads: int) -> int:
    """Two blocks of half the threads each get more done than one, and take twice the memory."""
    return min(2, threads) if engine == "local" and device == "cpu" else 1


def split_words(words: list[str], known: dict[str, str]) -> dict[str, str]:
    """Split key=value words; each key must be known and given once."""
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in known:
            raise UnknownName(
                "option", key, known, f"Write {next(iter(known))}=VALUE, for example."
            )
        if not equals or not value:
            raise UsageError(f"{key}= has no value. Write {key}=VALUE: {known[key]}.")
        if key in given:
            raise UsageError(f"{key}= is given twice, {given[key]!r} and {value!r}. Keep one.")
        given[key] = value
    return given


def existing_folder(name: str, word: str) -> Path:
    if not Path(word).is_dir():
        raise UsageError(f"{name}={word}: no such folder. Give the path of an existing folder.")
    return Path(word)


def device_word(word: str) -> str:
    if not DEVICE.fullmatch(word):
        raise UnknownName("device", word, ["cpu", "cuda", "cuda:0", "cuda:1"], "Write device=cpu.")
    return word


def whole(name: str, word: str, least: int = 1, most: int = 10_000) -> int:
    try:
        value = int(word)
    except ValueError:
        raise UsageError(
            f"{name}={word}: not a whole number. Write {name}=3, for example."
        ) from None
    if not least <= value <= most:
        raise UsageError(f"{name}={word}: must be from {least} to {most}.")
    return value


UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_word(name: str, word: str) -> float:
    """Read a length of time, as in 90s, 15m or 2h."""
    amount, unit = word[:-1], word[-1:]
    if unit not in UNITS or not re.fullmatch(r"[0-9]{1,6}", amount) or int(amount) == 0:
        raise UsageError(
            f"{name}={word}: not a length of time. Write a whole number from 1 on with its unit, "
            f"s, m or h: {name}=15m, say."
        )
    return float(int(amount) * UNITS[unit])


def _engine(given: Mapping[str, str]) -> str:
    """Return the engine asked for, and refuse options of another one."""
    engine = given.get("engine", "local")
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES, "Leave engine= out to use this machine.")
    for option in ("address", "memory"):
        if option in given and option not in ENGINES[engine]:
            of = " or ".join(f"engine={name}" for name, own in ENGINES.items() if option in own)
            raise UsageError(f"{option}={given[option]}: engine={engine} has none. Add {of}.")
    return engine


def _address(word: str) -> str:
    if not re.fullmatch(r"auto|[\w.-]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}", word):
        raise UsageError(
            f"address={word}: not the address of a Ray cluster. Write address=HOST:PORT, such as "
            "address=10.0.0.1:6379, or address=auto on a machine of the cluster."
        )
    return word


def _gigabytes(name: str, word: str) -> float:
    """Read an amount of memory, as in 500M or 16G."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}[MG]", word):
        raise UsageError(
            f"{name}={word}: not an amount of memory. Write a whole number with its unit, M or G: "
            f"{name}=16G, say."
        )
    return int(word[:-1]) / (1024 if word.endswith("M") else 1)


def _seeds(word: str) -> tuple[int, ...]:
    if "," not in word:
        return tuple(range(whole("seeds", word)))
    parts = listed("seeds", {"seeds": word})
    seeds = tuple(whole("seeds", part, least=0, most=2**31) for part in parts)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"seeds={word}: the same seed twice. Give each seed once.")
    return seeds


def cores() -> int:
    """Return how many cores this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


def listed(name: str, given: Mapping[str, str]) -> tuple[str, ...]:
    """Split an option's value at its commas; one may end it: "4," is a list of one."""
    if name not in given:
        return ()
    parts = tuple(part.strip() for part in given[name].removesuffix(",").split(","))
    if not all(parts):
        raise UsageError(f"{name}={given[name]}: empty beside a comma. Write {name}=a,b.")
    return parts
