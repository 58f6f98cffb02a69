"""Good files of all kinds, and the commands that read them: what is damaged and fed to them.

Nothing is really measured: `run` and `gate` have an engine that gives a few made answers.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.scale import CLAIM, PAIR, MadeEngine
from harness import open_run
from harness.cli import main as harness
from harness.commands.packing import pack_run
from harness.config import RunConfig
from harness.errors import HarnessError
from harness.history.entries import Entry
from harness.measure.engines.engine import Answer
from harness.measure.preparation import prepare
from harness.measure.progress import PlainProgress
from harness.registry import ROOT
from harness.report.content import compose

ANSWERS = 40  # of the engine in one case
REFERENCE = ROOT / "results" / "reference" / "epyc-2-cores"
SUITE = """
name = "made"
summary = "Made to be damaged"
[protocol]
seeds = 2
rounds = 3
"""
PLUGIN = '''
"""A plugin."""

from harness.registry import method


@method("mine")
class Mine:
    """My own method."""

    peer = "torch"
'''
EXAMPLE = {"label": 0, "weak_labels": [0, 1, -1], "data": {"text": "one two"}}


class Enough(HarnessError):
    """The engine has given as many answers as a case needs."""


class FewAnswers(MadeEngine):
    """An engine that gives some made answers and then no more, and none of several ranks."""

    left = ANSWERS

    def call_ranks(self, function: str, *about: Any) -> Sequence[Answer]:
        if function.endswith(":rehearse"):
            return [Answer("", 0, 0, "")]
        self.left -= 1
        *_, ranks, _ = about
        if self.left < 0 or ranks is not None:
            raise Enough("that will do")
        return super().call_ranks(function, *about)


Command = Callable[[Path, Random], list[str]]
"""What is to be run on a folder's damaged files."""


@dataclass(frozen=True)
class Target:
    """A command, and the folder of good files that it is given damaged."""

    command: Command
    good: Path


def targets(home: Path) -> list[Target]:
    """Make the good files and return what reads them."""
    runs, made = _runs(home / "runs"), _made_run(home / "made")
    suites, sets, packs = home / "suites", _data_sets(home / "data"), home / "packs"
    shutil.copytree(
        ROOT / "suites",
        suites,
        ignore=lambda _, names: [
            name for name in names if not name.endswith(".toml") or name == "claims.toml"
        ],
    )
    # What a report imports is imported here, once; but typst's threads would not survive a fork.
    opened = open_run(runs[0])
    compose(opened.evidence, opened.judgement, opened.registry.studies).figures[0].svg()
    history, plugin = home / "history", home / "plugin"
    for folder in (history, plugin, packs):
        folder.mkdir()
    for run in (runs[0], made):
        pack_run(run, (), packs / f"{run.name}.zip")
    (history / "history.jsonl").write_text("".join(entry.to_line() for entry in _entries()))
    (plugin / "mine.py").write_text(PLUGIN)

    def one(folder: Path, suffix: str, random: Random) -> Path:
        return random.choice(sorted(folder.glob(f"*{suffix}")))

    return [
        *(Target(lambda case, _: ["report", str(case)], run) for run in runs),
        *(Target(lambda case, _: ["compare", str(made), str(case)], made) for _ in range(4)),
        *(Target(lambda case, _: ["run", f"resume={case}"], made) for _ in range(4)),
        *(Target(lambda case, _: ["gate", f"against={case}"], made) for _ in range(4)),
        *(Target(lambda case, _: ["explain", str(case)], run) for run in runs),
        *(
            Target(lambda case, random: ["explain", str(one(case, ".zip", random))], packs)
            for _ in range(2)
        ),
        *(
            Target(
                lambda case, random: [
                    *("reproduce", str(one(case, ".zip", random)), f"out={case / 'again'}")
                ],
                packs,
            )
            for _ in range(4)
        ),
        *(
            Target(
                lambda case, random: [
                    *("run", f"suite={one(case, '.toml', random)}", f"out={case / 'run'}"),
                    "threads=1",
                ],
                suites,
            )
            for _ in range(8)
        ),
        *(
            Target(lambda case, _: ["report", str(case / "history.jsonl")], history)
            for _ in range(4)
        ),
        *(Target(lambda case, _: ["list", f"plugin={case / 'mine.py'}"], plugin) for _ in range(2)),
        *(Target(lambda case, _: ["data", f"data_dir={case}"], folder) for folder in sets * 2),
    ]


def _runs(home: Path) -> list[Path]:
    """Return small runs of all kinds, without their reports."""
    found = []
    for path in sorted(REFERENCE.glob("*/records.jsonl")):
        if path.stat().st_size < 500_000:
            folder = home / path.parent.name
            folder.mkdir(parents=True)
            for name in ("manifest.json", "records.jsonl"):
                shutil.copy(path.with_name(name), folder)
            found.append(folder)
    return found


def _made_run(home: Path) -> Path:
    """Return a run that this version can go on with."""
    home.mkdir()
    pairs = [
        PAIR.format(number=n, method=f"{m}_maml") for n, m in enumerate(("batched", "reference"))
    ]
    (home / "made.toml").write_text(SUITE + "".join(pairs) + CLAIM)
    engine, folder = MadeEngine(), home / "run"
    ready = prepare(
        RunConfig(suite=str(home / "made.toml"), out=folder), "python -m harness", engine
    )
    with (home / "log").open("w") as log:
        ready.measure(
            engine, PlainProgress(log), lambda records, pair: None, lambda pair, records: None
        )
    return folder


def _entries() -> list[Entry]:
    return [
        Entry(
            commit=f"{number:040x}",
            base=f"{number - 1:040x}",
            committed=f"2026-01-{number:02}T00:00:00+00:00",
            started=f"2026-02-{number:02}T00:00:00+00:00",
            machine={"cpu": "made", "device": "cpu", "threads": 1},
            subject="a",
            measure="step_time",
            unit="s",
            counted=False,
            reason=None,
            base_value=0.01,
            head_value=0.011,
            ratio=1.1,
            low=1.05,
            high=1.15,
            low_error=0.025,
            high_error=0.025,
            noise_floor=0.01,
            rounds=9,
            word="same",
            version="0.1.0",
        )
        for number in range(1, 9)
    ]


def _data_sets(home: Path) -> list[Path]:
    """Return folders that hold one small data set each, in every layout that is read."""
    from tests.suites import image_layouts as made

    fine = {f"fine{n}": f"coarse{n % 4}" for n in range(100)}
    layouts: dict[str, Callable[[Path], object]] = {
        "omniglot": made.omniglot_zips,
        "cifar100": lambda at: made.cifar100(at / "cifar-100-python", fine, images=3),
        "mini": made.mini_pickles,
        "lists": lambda at: made.mini_lists(at / "mini-imagenet", classes=3, images=3),
        "fc100": made.fc100_pickles,
        "tiered": lambda at: made.tiered_pickles(at / "tiered-imagenet"),
        "mnist": lambda at: made.mnist(at, ".gz", train=200, test=40),
        "own": lambda at: made.split_folders(at / "birds", classes=2, images=2),
        "wrench": _wrench,
        "cifar10": lambda at: _cifar10(at / "cifar-10-batches-py"),
    }
    for name, write in layouts.items():
        write(home / name)
        with contextlib.redirect_stdout(io.StringIO()):
            harness(["data", f"data_dir={home / name}"])  # packs it, as its first user would
    return [home / name for name in layouts]


def _wrench(home: Path) -> None:
    import json

    (home / "tiny").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        table = {str(number): EXAMPLE for number in range(4)}
        (home / "tiny" / f"{split}.json").write_text(json.dumps(table))
    (home / "tiny" / "label.json").write_text('{"0": "bad", "1": "good"}')


def _cifar10(home: Path) -> None:
    import pickle

    import numpy as np

    home.mkdir(parents=True)
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        table = {b"data": np.zeros((20, 3072), np.uint8), b"labels": list(range(10)) * 2}
        (home / name).write_bytes(pickle.dumps(table, 2))
