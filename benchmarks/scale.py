"""What a run costs as it grows: planned, measured, read, judged, reported, resumed.

    python -m benchmarks.scale
    python -m benchmarks.scale sizes=1000,10000 limit=60 --json

A made suite of many pairs, seeds and rounds is run by an engine whose workers take no time, so that
all that is timed is the harness itself: in seconds of a processor, so that what else the machine
does has no part in it. Every stage has a process of its own, whose largest memory is told beside
its seconds. A stage that takes longer than the limit, by the clock, is ended and said to be.
"""

from __future__ import annotations

import dataclasses
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import harness
from harness.config import RunConfig, listed, split_words, whole
from harness.errors import HarnessError
from harness.judge.quality.inheritance import inherits_by
from harness.measure.engines.engine import ANY, Answer, Engine, Resources
from harness.measure.progress import PlainProgress
from harness.records.record import SCHEMA

WORDS = {
    "sizes": "records of a run, by commas (default: 1000,10000,100000)",
    "limit": "most seconds of a stage, by the clock (default: 300)",
}
SIZES = ("1000", "10000", "100000")
STAGE = "--stage"  # what a process of its own is told to do
IN_MEMORY = Path("/dev/shm")
SEEDS, ROUNDS = 5, 20
A_PAIR = 2 * SEEDS * ROUNDS  # records of it
CHECKED = {"equivalence": "Exact", "passed": True, "worst_error": 1e-15, "tolerance": 1e-9}
PROBES = {"cpu": "made", "gpus": 0, "packages": {}}

SUITE = f"""
name = "scale"
summary = "Made to be large"
[protocol]
seeds = {SEEDS}
rounds = {ROUNDS}
"""
PAIR = """
[[pair]]
name = "pair-{number}"
baseline = "reference_maml"
method = "{method}"
workload = "sinusoid"
differ = "a number"
passes = ["check", "step"]
claims = ["twice"]
"""
CLAIM = """
[[claim]]
name = "twice"
paper = "Made up"
source = "here"
sentence = "it is twice as fast"
algorithm = "known"
readings = [{ name = "step", text = "half the time", value = 2.0, measure = "step_time" }]
"""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a step took, and the most memory that its process had held by its end."""

    records: int
    step: str
    seconds: float | None  # None: it did not come to its end within the stage's limit
    peak_mib: float | None


class MadeEngine(Engine):
    """An engine whose workers have always been done already, twice as fast for a method."""

    def call_ranks(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        ranks: int | None,
        resources: Resources = ANY,
    ) -> Sequence[Answer]:
        if ranks is not None:
            raise NotImplementedError("no pair of the made suite has ranks")
        told = PROBES if function.endswith("probe_text") else _made(json.loads(text))
        return [Answer(json.dumps(told), 0, 0, "")]


def _made(block: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a block as a worker would."""
    pair, member, seed, round_ = block["pair"], block["member"], block["seed"], block["round"]
    name = f"{pair['name']}/{block['measured']}/{member}/seed{seed}/round{round_}"
    checked = block["measured"] == "check"
    step_s = 0.01 if member == "method" and pair["method"] != pair["baseline"] else 0.02
    return {
        "schema": SCHEMA,
        "block": name,
        "pair": pair["name"],
        "measured": block["measured"],
        "member": member,
        "learner": pair["method" if member == "method" else "baseline"],
        "workload": pair["workload"],
        "settings": "",
        "learner_settings": "",
        "seed": seed,
        "round": round_,
        "status": "ok",
        "data": "sinusoids (made up)",
        "metric": "error",
        "device": "cpu",
        "threads": 1,
        "processes": 1,
        "wall_s": 1.5,
        "measured_s": 0.6,
        "load": 0.1,
        "steal": 0.0,
        "started": "2026-01-02T03:04:05+00:00",
        "warmup_steady": None if checked else True,
        "seen": CHECKED if checked else _timed(step_s, Random(name)),
    }


def _timed(step_s: float, random: Random) -> dict[str, Any]:
    return {
        "seconds": [step_s * random.uniform(0.97, 1.03) for _ in range(5)],
        "steps_per_interval": 12,
    }


class Clock:
    """Times the steps of a stage, and keeps what each took: the next one may be ended."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._costs: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        start = time.process_time()
        yield
        seconds = time.process_time() - start
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self._costs[what] = seconds, peak_mib
        self._kept.write_text(json.dumps(self._costs))


def run(folder: Path, clock: Clock) -> None:
    from harness.measure.preparation import prepare

    config = RunConfig(suite=str(folder / "scale.toml"), out=folder / "run")
    engine = MadeEngine()
    with clock.timing("plan"):
        ready = prepare(config, "python -m harness run suite=scale.toml", engine)
    with clock.timing("measure"), (folder / "log").open("w") as log:
        inherits = inherits_by(ready.registry.passes)
        ready.measure(engine, PlainProgress(log), inherits, lambda pair, records: None)


def read(folder: Path, clock: Clock) -> None:
    with clock.timing("read"):
        harness.open_run(folder / "run")


def judge(folder: Path, clock: Clock) -> None:
    opened = harness.open_run(folder / "run")
    with clock.timing("judge"):
        judged = opened.judgement
    assert judged.pairs


def report(folder: Path, clock: Clock) -> None:
    from harness.records.frame import to_csv
    from harness.report.content import compose
    from harness.report.page import to_page
    from harness.report.pdf import to_pdf
    from harness.report.write import claims_json

    opened = harness.open_run(folder / "run")
    evidence, studies = opened.evidence, opened.registry.studies
    judgement = opened.judgement
    with clock.timing("claims.json"):
        claims_json(evidence, judgement, studies)
    with clock.timing("measures.csv"):
        to_csv(opened.records)
    with clock.timing("compose"):
        content = compose(evidence, judgement, studies)
    with clock.timing("figures"):
        svgs = {figure.name: figure.svg() for figure in content.figures}
    with clock.timing("page"):
        to_page(content, svgs)
    with clock.timing("paper"):
        to_pdf(content, svgs)


def resume(folder: Path, clock: Clock) -> None:
    from harness.measure.preparation import resume

    records = folder / "run" / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-1].rpartition(b"\n")[0] + b"\n")
    engine = MadeEngine()
    with clock.timing("resume"), (folder / "log").open("w") as log:
        ready = resume(RunConfig(resume=folder / "run"), engine)
        inherits = inherits_by(ready.registry.passes)
        ready.measure(engine, PlainProgress(log), inherits, lambda pair, records: None)


Stage = Callable[[Path, Clock], None]
STAGES: dict[Stage, tuple[str, ...]] = {
    run: ("plan", "measure"),
    read: ("read",),
    judge: ("judge",),
    report: ("claims.json", "measures.csv", "compose", "figures", "page", "paper"),
    resume: ("resume",),
}


def costs(records: int, limit_s: float) -> Iterator[Cost]:
    """Yield what every step costs a run of so many records, and of two checks.

    A disk takes milliseconds to keep a record for good, which no harness can spare; so the run lies
    in memory where the machine has a folder for that.
    """
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        folder = Path(name)
        pairs = [
            PAIR.format(number=n, method="batched_maml" if n else "reference_maml")
            for n in range(max(2, records // A_PAIR))
        ]
        (folder / "scale.toml").write_text(SUITE + "".join(pairs) + CLAIM)
        for stage, steps in STAGES.items():
            found = _in_a_process(stage, folder, limit_s)
            for step in steps:
                yield Cost(len(pairs) * A_PAIR, step, *found.get(step, (None, None)))


def _in_a_process(stage: Stage, folder: Path, limit_s: float) -> dict[str, tuple[float, float]]:
    """Return what each step of a stage took, of those that it came to the end of."""
    kept = folder / "costs"
    kept.write_text("{}")
    words = [sys.executable, "-m", "benchmarks.scale", STAGE, stage.__name__, str(folder)]
    try:
        done = subprocess.run(words, stderr=subprocess.PIPE, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        print(f"{stage.__name__}: ended at {limit_s:g} s", file=sys.stderr)
    else:
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            print(f"{stage.__name__}: {' '.join(last)}", file=sys.stderr)
    found: dict[str, tuple[float, float]] = json.loads(kept.read_text())
    return found


def curve(found: Sequence[Cost]) -> str:
    """Write the seconds and the memory of each step against the size."""
    sizes = list(dict.fromkeys(cost.records for cost in found))
    lines = ["".join([f"{'records':<14}", *(f"{size:>20,}" for size in sizes), f"{'growth':>9}"])]
    for step in dict.fromkeys(cost.step for cost in found):
        row = [cost for cost in found if cost.step == step]
        cells = "".join(f"{_words(cost):>20}" for cost in row)
        lines.append(f"{step:<14}{cells}{_growth(row):>9}")
    return "\n".join([*lines, "", "growth: the power of the size by which the last seconds grew"])


def _words(cost: Cost) -> str:
    if cost.seconds is None or cost.peak_mib is None:
        return "not within limit"
    return f"{cost.seconds:.2f} s {cost.peak_mib:5.0f} MiB"


def _growth(row: Sequence[Cost]) -> str:
    known = [cost for cost in row if cost.seconds]
    if len(known) < 2:
        return "unknown"
    (before, then), (after, now) = ((c.records, c.seconds or 0) for c in known[-2:])
    return f"{math.log(now / then) / math.log(after / before):.2f}"


def main(arguments: list[str]) -> int:
    """Print the curve of cost against size."""
    if arguments[:1] == [STAGE]:
        name, folder = arguments[1], Path(arguments[2])
        next(stage for stage in STAGES if stage.__name__ == name)(folder, Clock(folder / "costs"))
        return 0
    try:
        given = split_words([word for word in arguments if word != "--json"], WORDS)
        sizes = [whole("sizes", size, most=10**6) for size in listed("sizes", given) or SIZES]
        limit_s = whole("limit", given.get("limit", "300"))
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    found = [cost for size in sizes for cost in costs(size, limit_s)]
    if "--json" in arguments:
        print(json.dumps([dataclasses.asdict(cost) for cost in found], indent=1))
    else:
        print(curve(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
