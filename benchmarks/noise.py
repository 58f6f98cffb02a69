"""How good the instrument of time is: real pairs, on this machine, where the truth is known.

    python -m benchmarks.noise                        # 210 pairs of equals: an hour and a half
    python -m benchmarks.noise pairs=30 out=FILE      # fewer
    python -m benchmarks.noise pairs=0 out=FILE       # the summary of what was measured so far

In every round a learner and its twin take turns: a pair of equals. At every fifth pair the same
learner takes turns with them that does 5, 10, 30 and 100 % more of the same work: four planted
effects, which share the learner. Then learner and twin are measured as before there were turns: in
whole blocks, one after the other. A third of all is measured on the machine as it is, a third
beside two busy processes, a third beside two that come and go.

It tells how many intervals hold the truth (95 % should), how wide they are, and the seconds that
either way takes until the ratio of equals is known to 5 % up or down. These are seconds of blocks,
waiting for others' turns left out; rounds of several pairs are strung together where one pair's
are too few. Every outcome is appended to out= as soon as it is known. Started again, the benchmark
goes on from there; what other code or another kind of machine gave is kept and not counted.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.load import busy, switching
from benchmarks.outcomes import Outcome, append, read
from benchmarks.rates import with_interval
from harness.config import split_words, whole
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.errors import HarnessError
from harness.git import git
from harness.judge.block_values import Taken, ratio_of
from harness.judge.noise.sequential import looks
from harness.judge.noise.stopping import narrow
from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.measure.block import Block
from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import Lane, measure_apart, measure_in_turns
from harness.measure.machine import machine_class
from harness.records.record import Record
from harness.records.seen import Times
from harness.registry import ROOT, Registry
from harness.seeds import derive

WORDS = {
    "pairs": "pairs of equals (default: 210)",
    "rounds": "rounds of each (default: 8)",
    "out": "the file that outcomes are appended to (default: one in results/noise-benchmark/)",
}
PLANTED = str(Path(__file__).with_name("planted.py"))
PLANTED_EVERY, PERCENT = 5, (5, 10, 30, 100)
LOADS = ("as it is", "busy", "switching")
NEIGHBOURS = 2
PROTOCOL = Protocol(warmup_s=0.3, interval_s=0.05, intervals=6, limit_s=120)
PRECISION = 0.05

MEASURED = (
    *("harness", "baselines", "suites"),
    *("benchmarks/noise.py", "benchmarks/planted.py", "benchmarks/load.py"),
)
"""What an outcome depends on: where these have changed it is no longer counted."""

Ratios = dict[int, list[float]]
"""Of every round, by how many per cent the second is slower."""


def main(words: list[str]) -> int:
    try:
        given = split_words(words, WORDS)
        pairs = whole("pairs", given.get("pairs", "210"), least=0)
        rounds = whole("rounds", given.get("rounds", str(MIN_ROUNDS)), least=MIN_ROUNDS)
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    out = Path(given.get("out", ROOT / "results" / "noise-benchmark" / "outcomes.jsonl"))
    everything = read(out)
    known = {"code": _code(), "machine": machine_class()}
    if not pairs and everything:
        known = {key: everything[-1].get(key) for key in known}
    done = [each for each in everything if {key: each.get(key) for key in known} == known]
    if len(done) < len(everything):
        left = len(everything) - len(done)
        print(f"{left} outcomes of other code or another kind of machine are not counted")
    with LocalEngine() as engine:
        for number in range(len(done), pairs):
            set_of_loads, place = divmod(number, len(LOADS))
            load, planted = LOADS[place], set_of_loads % PLANTED_EVERY == 0
            random = Random(derive(number, "noise"))
            with _load(load, random):
                outcome = _outcome(engine, rounds, random, PERCENT if planted else ())
            done.append(outcome | {"number": number, "load": load} | known)
            append(out, done[-1])
            print(f"{number} {load}: {_said(done[-1])}", flush=True)
    print("\n".join(summary(done)))
    return 0


def summary(done: Sequence[Outcome]) -> Iterator[str]:
    """Yield what was found, beside every load and in all."""
    for load in (*LOADS, None):
        mine = [each for each in done if load in (None, each["load"])]
        if not mine:
            continue
        averages = [each["load_average"] for each in mine]
        yield f"{load or 'all'}: {len(mine)} pairs, load average {median(averages):.1f}"
        for percent in (0, *PERCENT):
            rounds = [each["turns"].get(str(percent)) for each in mine]
            found = [_interval(ratios) for ratios in rounds if ratios]
            if not found:
                continue
            truth = 1 / (1 + percent / 100)
            holding = sum(each.low <= truth <= each.high for each in found)
            width = median(math.sqrt(each.high / each.low) - 1 for each in found)
            centre = median(each.estimate for each in found)
            yield (
                f"  {percent:3d} % slower: {with_interval(holding, len(found))} of intervals hold "
                f"{truth:.3f}, half as wide as {100 * width:.1f} %; their median is {centre:.3f}"
            )
        for way in ("turns", "blocks"):
            ratios = [each[way]["0"] if way == "turns" else each[way] for each in mine]
            seconds = [each[f"{way}_s"] for each in mine]
            yield f"  to know equals to {100 * PRECISION:.0f} %: {_until(ratios, seconds)} by {way}"


def _until(ratios: Sequence[Sequence[float]], seconds: Sequence[Sequence[float]]) -> str:
    """Say after how many seconds, and rounds, the ratio is known, as often as the rounds reach."""
    rounds = [
        each for pair in zip(ratios, seconds, strict=True) for each in zip(*pair, strict=True)
    ]
    needed: list[tuple[float, int]] = []
    while rounds:
        for count in looks():
            if count > len(rounds):
                rounds = []
                break
            values = [ratio for ratio, _ in rounds[:count]]
            if count >= MIN_ROUNDS and narrow(_interval(values), PRECISION):
                needed.append((sum(spent for _, spent in rounds[:count]), count))
                rounds = rounds[count:]
                break
    if not needed:
        return f"more than {sum(map(sum, seconds)):.0f} s"
    spent, counts = zip(*needed, strict=True)
    return f"{median(spent):.0f} s and {median(counts):g} rounds (median of {len(needed)} times)"


def _interval(ratios: Sequence[float]) -> Interval:
    """Return the interval that a run would give these rounds."""
    one = {("", 0, place): Taken((1.0,), str(place)) for place in range(len(ratios))}
    other = {("", 0, place): Taken((each,), str(place)) for place, each in enumerate(ratios)}
    return ratio_of(other, one)


def _outcome(engine: LocalEngine, rounds: int, random: Random, planted: Sequence[int]) -> Outcome:
    registry = Registry((PLANTED,))
    turns: Ratios = {percent: [] for percent in (0, *planted)}
    blocks: list[float] = []
    spent: dict[str, list[float]] = {"turns_s": [], "blocks_s": []}
    began = time.monotonic()
    for number in range(rounds):
        lanes = [_lane(engine, registry, percent, number) for percent in (0, 0, *planted)]
        base, *others = measure_in_turns(lanes, random)
        for of_percent, other in zip(turns.values(), others, strict=True):
            of_percent.append(_taken(base).over(_taken(other)))
        # A run of one pair has two more such blocks beside the baseline.
        spent["turns_s"].append((base.wall_s or 0) + 2 * (others[0].wall_s or 0))
        if not planted:
            continue
        first, second = measure_apart(lanes[:2], random)
        # By the clock, as blocks were timed before.
        blocks.append(_taken(first, wall=True).over(_taken(second, wall=True)))
        spent["blocks_s"].append((first.wall_s or 0) + (second.wall_s or 0))
    about = {"load_average": os.getloadavg()[0], "seconds": time.monotonic() - began}
    return {"turns": {str(p): r for p, r in turns.items()}, "blocks": blocks} | spent | about


def _code() -> str:
    """Return the names that git gives to what an outcome depends on."""
    asked = git(ROOT, "rev-parse", *(f"HEAD:{part}" for part in MEASURED))
    if asked.returncode:
        return "not committed"
    changed = git(ROOT, "status", "--porcelain", "--", *MEASURED).stdout
    return " ".join([*asked.stdout.split(), *(["with changes"] if changed else [])])


def _lane(engine: LocalEngine, registry: Registry, percent: int, number: int) -> Lane:
    settings = {"percent": percent}
    pair = Pair(
        "noise",
        "planted",
        "planted",
        "sinusoid",
        "the seconds of a step",
        ("step",),
        settings={"meta_batch": 1},
        baseline_settings=settings,
        method_settings=settings,
    )
    block = Block(pair, "step", "method", 0, number, PROTOCOL, threads=1, plugins=(PLANTED,))
    return Lane(engine, dataclasses.replace(block, beside=block.id), (), registry)


def _taken(record: Record[Seen], *, wall: bool = False) -> Taken:
    assert isinstance(record.seen, Times), record.reason
    values = record.seen.wall_seconds if wall else record.seen.seconds
    assert values is not None
    return Taken.of(record, values)


def _said(outcome: Mapping[str, Any]) -> str:
    ways = {"turns": outcome["turns"]["0"], "blocks": outcome["blocks"]}
    found = {way: _interval(ratios) for way, ratios in ways.items() if ratios}
    known = (
        f"{each.estimate:.3f} [{each.low:.3f}, {each.high:.3f}] in {way}"
        for way, each in found.items()
    )
    return (
        f"equals {', '.join(known)}, {outcome['seconds']:.0f} s, "
        f"load average {outcome['load_average']:.1f}"
    )


def _load(name: str, random: Random) -> AbstractContextManager[None]:
    if name == LOADS[0]:
        return nullcontext()
    return busy(NEIGHBOURS) if name == "busy" else switching(NEIGHBOURS, random)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
