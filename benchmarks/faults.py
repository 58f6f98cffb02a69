"""What a run loses when it is killed: a real one, at random moments, again and again.

    python -m benchmarks.faults
    python -m benchmarks.faults kills=20 seed=1

A run of two pairs is started and its driver, its first server, a server of workers or a worker is
killed, at a moment and in an order drawn by the seed. Where the driver was killed, the run is
resumed. A run that comes to its end is looked at, and the next one is started, until there were so
many kills. Told are records that were there once and are gone, blocks without a record, blocks
with more than one good record, processes that outlived their driver, and whether anything ended in
a traceback.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from harness.config import split_words, whole
from harness.errors import PARTLY, PASSED, HarnessError
from harness.records.store import MANIFEST, RECORDS, TORN
from harness.registry import ROOT

WORDS = {"kills": "how many (default: 200)", "seed": "of what is drawn (default: 0)"}

KINDS = ("driver", "first server", "server", "worker")
LONGEST_S = 8.0
"""Of a wait before a kill: a driver needs seconds until its first worker works."""
TOLD = 2000
"""Characters of what a run said, where it ended as it should not."""
PATIENCE_S = 20.0  # after which a process that outlived its driver is said to be left

SUITE = """
name = "faults"
summary = "Made to be killed"
verdicts = false
[protocol]
seeds = 2
rounds = 8
warmup_s = 0.02
interval_s = 0.005
intervals = 3
check_examples = 3
trajectory_steps = 2
curve_steps = 4
curve_every = 2
curve_tasks = 5
test_tasks = 5
"""
PAIR = """
[[pair]]
name = "{method}"
baseline = "reference_maml"
method = "{method}"
workload = "sinusoid"
differ = "how"
passes = ["check", "trajectory", "operations", "memory", "step", "curve"]
settings = {{ meta_batch = 2 }}
"""


@dataclass
class Outcome:
    """What came of all kills so far."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    blocks: int = 0
    resumed: int = 0
    torn: int = 0
    errors: int = 0
    again: int = 0
    given_up: int = 0
    lost: int = 0
    doubled: int = 0
    left: int = 0
    tracebacks: int = 0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.left or self.tracebacks)

    def to_text(self) -> str:
        named = ", ".join(f"{count} of a {who}" for who, count in sorted(self.kills.items()))
        return "\n".join(
            [
                f"kills                         {self.kills.total():6}   ({named})",
                f"runs that came to their end   {self.runs:6}   (of {self.blocks} blocks in all)",
                f"resumed                       {self.resumed:6}",
                f"ended with a clear error      {self.errors:6}   (no server could be started)",
                f"lines torn and set aside      {self.torn:6}",
                f"blocks tried again            {self.again:6}",
                f"blocks killed in both tries   {self.given_up:6}   (recorded as such)",
                f"records lost                  {self.lost:6}",
                f"records doubled               {self.doubled:6}",
                f"processes left running        {self.left:6}",
                f"tracebacks                    {self.tracebacks:6}",
            ]
        )


class KilledRun:
    """A run in a folder of its own, that is started again for as long as it is killed."""

    def __init__(self, folder: Path, outcome: Outcome, random: Random) -> None:
        self._folder, self._outcome, self._random = folder, outcome, random
        self._records = folder / "run" / RECORDS
        self._before = b""
        (folder / "faults.toml").write_text(
            SUITE + PAIR.format(method="batched_maml") + PAIR.format(method="reference_maml")
        )

    def go_on(self, kills: int) -> None:
        """Bring the run to its end, through at most so many kills on its way."""
        while not self._ended(max(0, kills - self._outcome.kills.total())):
            self._outcome.resumed += 1
        self.look()

    def _ended(self, kills: int) -> bool:
        """Start the run or resume it; say whether it came to its end before its driver's kill."""
        known = (self._folder / "run" / MANIFEST).exists()
        what = ["resume=run"] if known else ["suite=faults.toml", "out=run", "threads=1", "jobs=2"]
        with (self._folder / "log").open("ab") as log:
            driver = psutil.Popen(
                [sys.executable, "-m", "harness", "run", *what],
                cwd=self._folder,
                env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
            )
        killed = False
        for _ in range(kills):
            if (victim := self._drawn(driver)) == driver:
                self._kill_driver(driver)
                return False
            if victim is None:
                break
            killed = True
        driver.wait()
        self.compare()
        if driver.returncode in (PASSED, PARTLY):  # a pair may have lost all of its workers
            return True
        if not killed:
            said = (self._folder / "log").read_text(errors="replace")[-TOLD:]
            raise HarnessError(
                f"a run ended with {driver.returncode}, though nothing was killed. It said:\n{said}"
            )
        self._outcome.errors += 1
        return False

    def _drawn(self, driver: psutil.Popen) -> psutil.Process | None:
        """Kill one of the run's processes but its driver, and return it, or the driver to kill."""
        who = self._random.choice(KINDS)
        with suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
            driver.wait(self._random.uniform(0, LONGEST_S))
            return None
        while not (those := _processes(driver, who)):  # it has not come so far
            with suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
                driver.wait(0.02)
                return None
        victim = self._random.choice(those)
        with suppress(psutil.NoSuchProcess):  # it has just gone by itself
            if who != "driver":
                victim.kill()
            self._outcome.kills[who] += 1
        return victim

    def _kill_driver(self, driver: psutil.Popen) -> None:
        below = _children(driver, recursive=True)
        driver.kill()
        driver.wait()
        _, left = psutil.wait_procs(below, timeout=PATIENCE_S)
        self._outcome.left += len(left)
        for process in left:
            process.kill()
        self.compare()

    def compare(self) -> None:
        """Count the records that were there before and are gone."""
        now = self._records.read_bytes() if self._records.exists() else b""
        if not now.startswith(self._before):
            kept = set(now.splitlines())
            self._outcome.lost += sum(line not in kept for line in self._before.splitlines())
        self._before = now[: now.rfind(b"\n") + 1]

    def look(self) -> None:
        """Count what the run has in its end."""
        outcome, run = self._outcome, self._folder / "run"
        if not (run / MANIFEST).exists():
            return
        plan = json.loads((run / MANIFEST).read_text())["plan"]
        records = [json.loads(line) for line in self._records.read_text().splitlines()]
        good = Counter(each["block"] for each in records if each["status"] == "ok")
        outcome.runs += 1
        outcome.blocks += len(plan)
        outcome.lost += len(set(plan) - {each["block"] for each in records})
        outcome.doubled += sum(count - 1 for count in good.values())
        outcome.again += sum((each["tries"] or 1) > 1 for each in records)
        outcome.given_up += sum(each["status"] == "died" for each in records)
        if (run / TORN).exists():
            outcome.torn += len((run / TORN).read_bytes().splitlines())
        outcome.tracebacks += (self._folder / "log").read_text().count("Traceback")


def _processes(driver: psutil.Popen, who: str) -> list[psutil.Process]:
    """Return the run's processes of a kind: each kind's are the children of the one before."""
    found: list[psutil.Process] = [driver]
    for _ in range(KINDS.index(who)):
        found = [child for each in found for child in _children(each)]
    return found


def _children(process: psutil.Process, *, recursive: bool = False) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        found: list[psutil.Process] = process.children(recursive=recursive)
        return found
    return []


def main(arguments: list[str]) -> int:
    """Kill runs and print what they lost; 1 if that is anything."""
    try:
        given = split_words(arguments, WORDS)
        kills = whole("kills", given.get("kills", "200"))
        random = Random(whole("seed", given.get("seed", "0"), least=0))
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    outcome, start = Outcome(), time.monotonic()
    while outcome.kills.total() < kills:
        with tempfile.TemporaryDirectory() as folder:
            KilledRun(Path(folder), outcome, random).go_on(kills)
    print(outcome.to_text())
    print(f"in {time.monotonic() - start:.0f} s")
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
