"""Hostile and damaged files against everything that reads files of strangers.

    python -m benchmarks.fuzz
    python -m benchmarks.fuzz time=10m seed=1 out=FOUND
    python -m benchmarks.fuzz seed=1 case=1234        # one case again, with all that it prints

A case takes a good run folder, pack, suite, history, plugin or data set, damages it in a few places
(`hostile.py`), and hands it to the command that reads it, in a process with bounds (`caged.py`). A
command may refuse it with an error that names it, or take it. It may not end in a traceback, take
more than its time or memory, write outside its folder or start a program. Of whatever does, the
number is printed and the files are kept in out=.

Nothing is really measured: `run` and `gate` have an engine that gives a few made answers.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.caged import MUCH_MEMORY, Told, caged
from benchmarks.hostile import OUTSIDE, damaged
from benchmarks.scale import CLAIM, PAIR, MadeEngine
from harness import open_run
from harness.cli import BUG
from harness.cli import main as harness
from harness.commands.packing import pack_run
from harness.config import RunConfig, seconds_word, split_words, whole
from harness.errors import HarnessError, UsageError
from harness.history.entries import Entry
from harness.measure.engines.engine import Answer
from harness.measure.preparation import prepare
from harness.measure.progress import PlainProgress
from harness.registry import ROOT
from harness.report.content import compose

WORDS = {
    "time": "how long (default: 1h)",
    "seed": "of what is drawn (default: 0)",
    "case": "only the case of this number",
    "out": "a folder for the files of what is found (default: none is kept)",
}
LIMIT_S = 60.0  # of one case, on a busy machine
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
WRITTEN = (
    *(".report.html.draft", ".report.pdf.draft", ".claims.json.draft", ".measures.csv.draft"),
    *(".pyperf.json.draft", "records.torn", "figures", "report.html", "history-report", ".packed"),
)
"""What commands write into a folder that they read, and a stranger may have put a link for."""
EXAMPLE = {"label": 0, "weak_labels": [0, 1, -1], "data": {"text": "one two"}}


class Enough(HarnessError):
    """The engine has given as many answers as a case needs."""


class FewAnswers(MadeEngine):
    """An engine that gives some made answers and then no more."""

    left = ANSWERS

    def _called(self, function: str, *about: Any) -> Sequence[Answer]:
        if function.endswith(":rehearse"):
            return [Answer("", 0, 0, "")]
        self.left -= 1
        if self.left < 0:
            raise Enough("that will do")
        return super()._called(function, *about)


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


@dataclass
class Case:
    """One damaged folder and what is run on it; the same for the same seed and number."""

    words: list[str]
    folder: Path  # all that it may write to

    def told(self) -> Told:
        return caged(self._run, self.folder, LIMIT_S)

    def _run(self) -> int:
        tempfile.tempdir = str(self.folder)
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")
        return harness(self.words)


def made_case(known: Sequence[Target], seed: int, number: int, home: Path) -> Case:
    random = Random(f"{seed} {number}")
    target = random.choice(known)
    shutil.rmtree(home, ignore_errors=True)
    folder = home / "case"
    shutil.copytree(target.good, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        path = random.choice(files)
        if path.exists():
            path.write_bytes(damaged(path.name, path.read_bytes(), random))
    if random.random() < 0.05:
        place = random.choice([*files, *(folder / name for name in WRITTEN)])
        place.unlink(missing_ok=True)
        if random.random() < 0.8:
            (home / "outside").mkdir()
            ends = (OUTSIDE, f"{OUTSIDE}/file", "/etc/passwd", "/dev/zero", ".", place.name)
            place.symlink_to(random.choice(ends))
    return Case(target.command(folder, random), folder)


def fault(told: Told) -> str | None:
    """Say what a command did that it must not."""
    if told.hung:
        return f"it took more than {LIMIT_S:g} s"
    if told.outside:
        return f"it did {told.outside[0]}"
    if told.code is None or told.code == BUG or "Traceback" in told.error:
        last = [line for line in told.error.splitlines() if line.strip()][-1:]
        places = re.findall(r'File "[^"]*?([^/"]+)", line (\d+)', told.error)
        where = ":".join(places[-1]) if places else "unknown"
        return f"it ended in a traceback at {where}: {''.join(last)[:200]}"
    if told.peak > MUCH_MEMORY:
        return f"it took {told.peak >> 20:,} MiB"
    if told.code == UsageError.exit_code and not told.error.lstrip().startswith(
        ("error: ", "note: ")
    ):
        return f"it was refused without a word: {told.error[:200]!r}"
    return None


def main(arguments: list[str]) -> int:
    """Fuzz for a time, and print what was found; 1 if that is anything."""
    try:
        given = split_words(arguments, WORDS)
        limit_s = seconds_word("time", given.get("time", "1h"))
        seed = whole("seed", given.get("seed", "0"), least=0, most=10**9)
        case = whole("case", given["case"], most=10**9) if "case" in given else None
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    os.environ |= {"GIT_CEILING_DIRECTORIES": str(ROOT), "OMP_NUM_THREADS": "1"}
    sys.dont_write_bytecode = True
    from harness.gate import stored_run
    from harness.measure.engines import local

    for module in (local, stored_run):  # nothing is to be measured
        module.LocalEngine = FewAnswers  # type: ignore[misc,assignment,attr-defined]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        known = targets(home / "good")
        if case is not None:
            told = made_case(known, seed, case, home / "case").told()
            print(told.out, told.error, fault(told) or "nothing is wrong with that", sep="\n")
            return 0
        return _fuzz(known, seed, limit_s, home / "case", given.get("out"))


def _fuzz(known: Sequence[Target], seed: int, limit_s: float, home: Path, out: str | None) -> int:
    start, number = time.monotonic(), 0
    ended: Counter[tuple[str, str]] = Counter()
    found: Counter[str] = Counter()
    while time.monotonic() - start < limit_s:
        number += 1
        case = made_case(known, seed, number, home)
        told = case.told()
        command = case.words[0]
        if (what := fault(told)) is not None:
            ended[command, "fault"] += 1
            found[f"{command}: {what}"] += 1
            print(f"case={number} {command}: {what}", flush=True)
            if out and found[f"{command}: {what}"] == 1:
                shutil.copytree(home, Path(out) / f"{seed}-{number}", symlinks=True)
        else:
            ended[command, "refused" if told.code == UsageError.exit_code else "taken"] += 1
    print(f"{number:,} cases in {time.monotonic() - start:.0f} s, seed {seed}")
    print(f"{'command':<10}{'cases':>9}{'refused':>9}{'taken':>9}{'faults':>9}")
    for command in sorted({command for command, _ in ended}):
        counts = [ended[command, how] for how in ("refused", "taken", "fault")]
        print(f"{command:<10}{sum(counts):>9,}" + "".join(f"{count:>9,}" for count in counts))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
