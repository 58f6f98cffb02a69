"""How good the gate is: real gates, on this machine, where the truth is known.

    python -m benchmarks.gate                      # 210 A/A gates and 60 of 10 % slower: hours
    python -m benchmarks.gate same=60 slower=20    # fewer
    python -m benchmarks.gate jobs=3               # three at a time, each the others' noise
    python -m benchmarks.gate same=0 slower=0      # the summary of what was measured so far

False alarms: gates of a commit against itself that say "regressed" or "mismatch"; at most 1 % may.
Detection: gates of a commit that spins for another 10 % of the processor time of every step, which
must say "regressed" within five minutes, 95 % of them at least. Spinning also slows what comes
after it, so the summary tells what the gates measured of it. A third of either run on the machine
as it is, a third beside two busy processes, a third beside two that come and go. Of several at a
time, each has the others for neighbours, who come and go too.

Every gate's outcome is appended to out= as soon as it is known. Started again, the benchmark goes
on from there; what other code gave is kept and not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random

from benchmarks.load import busy, switching
from benchmarks.outcomes import (
    CROWD,
    LOADS,
    Outcome,
    append,
    of_one_kind,
    read,
    summary,
)
from benchmarks.planting import SLOWER, Clone, clone
from harness.config import split_words, whole
from harness.errors import HarnessError
from harness.registry import ROOT
from harness.seeds import derive

WORDS = {
    "same": "gates of a commit against itself (default: 210)",
    "slower": "gates of a commit that is slower (default: 60)",
    "percent": "how much slower (default: 10)",
    "limit_s": "a gate's limit_s (default: 300)",
    "jobs": "gates at a time (default: 1)",
    "out": "the file that outcomes are appended to (default: one in results/gate-benchmark/)",
}
SUITE = Path(__file__).with_name("gate.toml")
LEARNER, FILE = "BatchedMaml", "methods/batched_maml.py"
MEASURED = (
    *("harness", "methods", "baselines", "suites"),
    *("benchmarks/gate.toml", "benchmarks/planting.py", "benchmarks/load.py"),
)
"""What an outcome depends on: where these have changed it is no longer counted."""
NEIGHBOURS = 2


def main(words: list[str]) -> int:
    try:
        given = split_words(words, WORDS)
        wanted = {
            "same": whole("same", given.get("same", "210"), least=0),
            "slower": whole("slower", given.get("slower", "60"), least=0),
        }
        percent = whole("percent", given.get("percent", "10"), most=1000)
        limit_s = whole("limit_s", given.get("limit_s", "300"))
        jobs = whole("jobs", given.get("jobs", "1"))
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    out = Path(given.get("out", ROOT / "results" / "gate-benchmark" / "outcomes.jsonl"))
    with tempfile.TemporaryDirectory(prefix="gate-benchmark-") as folder:
        project = clone(ROOT, Path(folder) / "project")
        base = project.git("rev-parse", "HEAD")
        tree = project.git("rev-parse", *(f"HEAD:{part}" for part in MEASURED)).split()
        lines = SLOWER.format(share=percent / 100, learner=LEARNER)
        heads = {"same": base, "slower": project.plant(FILE, lines, f"{percent} % slower")}
        done = of_one_kind(read(out), tree, percent, limit_s)

        def one(todo: tuple[str, int]) -> Outcome:
            kind, number = todo
            load = LOADS[number % len(LOADS)] if jobs == 1 else CROWD
            with _load(load, Random(derive(number, kind))):
                outcome = _gate(project, base, heads[kind], limit_s)
            outcome |= {"kind": kind, "number": number, "load": load, "jobs": jobs}
            return outcome | {"tree": tree, "percent": percent, "limit_s": limit_s}

        threads = ThreadPoolExecutor(jobs)
        try:
            gates = [threads.submit(one, todo) for todo in _left(wanted, done)]
            for each in as_completed(gates):
                outcome = each.result()
                append(out, outcome)
                done.append(outcome)
                print("{kind} {number} {load}: {exit} in {seconds:.0f} s".format(**outcome))
                sys.stdout.flush()
        finally:
            threads.shutdown(cancel_futures=True)
    print(summary(done, percent, limit_s))
    return 0


def _left(wanted: dict[str, int], done: Sequence[Outcome]) -> Iterator[tuple[str, int]]:
    """Yield what is still to be run, both kinds in turn, so that an interruption leaves both."""
    known = {(each["kind"], each["number"]) for each in done}
    for number in range(max(wanted.values())):
        for kind, count in wanted.items():
            # The smaller number is spread out among the larger one.
            if number < count and (kind, number) not in known:
                yield kind, number


def _gate(project: Clone, base: str, head: str, limit_s: int) -> Outcome:
    began = time.monotonic()
    words = [f"base={base}", f"head={head}", f"suite={SUITE}", f"limit_s={limit_s}", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", "gate", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(project.root)},
    )
    outcome: Outcome = {"exit": done.returncode, "seconds": time.monotonic() - began}
    outcome["load_average"] = os.getloadavg()[0]
    if done.stdout.startswith("{"):
        report = json.loads(done.stdout)
        outcome["noise_floor"] = report["noise_floor"]
        outcome["findings"] = [
            {key: finding[key] for key in ("measure", "word", "ratio", "rounds", "reason")}
            for finding in report["findings"]
            if finding["word"] != "same" or finding["measure"] == "step_time"
        ]
    else:
        outcome["error"] = done.stderr[-2000:]
    return outcome


def _load(name: str, random: Random) -> AbstractContextManager[None]:
    if name in ("quiet", CROWD):
        return nullcontext()
    return busy(NEIGHBOURS) if name == "busy" else switching(NEIGHBOURS, random)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
