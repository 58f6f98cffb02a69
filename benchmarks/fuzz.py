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

import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.caged import MUCH_MEMORY, Told, caged
from benchmarks.hostile import OUTSIDE, damaged
from benchmarks.targets import FewAnswers, Target, targets
from harness.cli import BUG
from harness.cli import main as harness
from harness.config import seconds_word, split_words, whole
from harness.errors import HarnessError, UsageError
from harness.registry import ROOT

WORDS = {
    "time": "how long (default: 1h)",
    "seed": "of what is drawn (default: 0)",
    "case": "only the case of this number",
    "out": "a folder for the files of what is found (default: none is kept)",
}
LIMIT_S = 60.0  # of one case, on a busy machine
WRITTEN = (
    *(".report.html.draft", ".report.pdf.draft", ".claims.json.draft", ".measures.csv.draft"),
    *(".pyperf.json.draft", "records.torn", "figures", "report.html", "history-report", ".packed"),
)
"""What commands write into a folder that they read, and a stranger may have put a link for."""


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
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
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
