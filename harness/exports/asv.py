"""A results folder of airspeed velocity: for each pair and measure the values of both members.

A benchmark is a measure of a pair at a point of its sweep, with the member as its parameter. Its
samples are one value a round. asv has no interval of a ratio, nor one of 95 %: what it compares is
each member by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from statistics import quantiles
from typing import Any

from harness.declare.measures import MEASURES
from harness.declare.pair import MEMBERS
from harness.declare.point import words_of
from harness.errors import UsageError
from harness.exports.formats import Exported
from harness.judge.judged_run import MEMBERSHIP
from harness.judge.judgement import PairJudgement, Ratio
from harness.results import Results

RESULTS_VERSION, BENCHMARKS_VERSION, MACHINE_VERSION = 2, 2, 1
COLUMNS = (
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples"),
)
TYPES = {"s": ("time", "seconds"), "bytes": ("peakmemory", "bytes")}


def as_results(run: Results, options: Mapping[str, str]) -> Exported:
    """Return the files of a results folder: the benchmarks, the machine, and what it measured."""
    probes = run.manifest.probes
    commit = probes.get("git_commit")
    if not commit:
        raise UsageError(
            f"{run.path}: asv keeps results by commit, and this run was not made in a git clone. "
            "Use another format=."
        )
    found = list(_figures(run))
    if not found:
        raise UsageError("nothing can be exported: no pair of the run may show a ratio.")
    machine = _word(f"{probes.get('cpu') or 'machine'}-{probes.get('usable_cores')}-cores")
    python = ".".join(str(probes.get("python")).split(".")[:2])
    environment = f"existing-py{python}"
    began = int(datetime.fromisoformat(run.manifest.started).timestamp() * 1000)
    about = {
        "machine": machine,
        "os": str(probes.get("os")),
        "arch": str(probes.get("machine")),
        "cpu": str(probes.get("cpu")),
        "num_cpu": str(probes.get("usable_cores")),
        "ram": str(probes.get("memory_bytes")),
    }
    results = {
        "version": RESULTS_VERSION,
        "commit_hash": commit,
        "env_name": environment,
        "date": began,  # of the run: its records do not say when the commit was made
        "params": about | {"python": python},
        "python": python,
        "requirements": {"torch": str(probes.get("torch"))},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": {name: _result(judged, ratio, began) for name, judged, ratio in found},
        "durations": {},
    }
    benchmarks = {name: _benchmark(name, judged, ratio) for name, judged, ratio in found}
    files: dict[str, dict[str, Any]] = {
        "benchmarks.json": {**benchmarks, "version": BENCHMARKS_VERSION},
        f"{machine}/machine.json": about | {"version": MACHINE_VERSION},
        f"{machine}/{commit[:8]}-{environment}.json": results,
    }
    return Exported(
        {name: (json.dumps(each, indent=1) + "\n").encode() for name, each in files.items()}
    )


def _figures(run: Results) -> Iterator[tuple[str, PairJudgement, Ratio]]:
    """Yield every ratio that may be shown and whose two sides are known, with its name."""
    for judged in run.judgement.pairs:
        for ratio in judged.ratios:
            known = None not in (ratio.interval, ratio.baseline, ratio.method)
            if known and judged.withheld is None:
                point = f".{_word(words_of(ratio.point))}" if ratio.point else ""
                yield f"{_word(judged.pair.name)}{point}.{ratio.measure}", judged, ratio


def _result(judged: PairJudgement, ratio: Ratio, began: int) -> list[Any]:
    samples = [
        [value for each in ratio.observed if (value := getattr(each, member)) is not None]
        for member in MEMBERS
    ]
    spread = [
        quantiles(each, method="inclusive") if len(each) > 1 else [None] * 3 for each in samples
    ]
    return [
        [ratio.baseline, ratio.method],
        [[repr(member) for member in MEMBERS]],
        _version(judged, ratio),
        began,
        None,
        [None, None],
        [None, None],
        [quarters[0] for quarters in spread],
        [quarters[2] for quarters in spread],
        [1, 1],
        [len(each) for each in samples],
        samples,
    ]


def _benchmark(name: str, judged: PairJudgement, ratio: Ratio) -> dict[str, Any]:
    kind, unit = TYPES.get(ratio.unit, ("track", ratio.unit or "unit"))
    row = MEASURES.of(ratio.measure)
    pair = judged.pair
    return {
        "name": name,
        "pretty_name": f"{pair.name}: {row.words if row else ratio.measure}",
        "code": f"{pair.method} against {pair.baseline} on {pair.workload}: {pair.differ}",
        "param_names": ["member"],
        "params": [[repr(member) for member in MEMBERS]],
        "type": kind,
        "unit": unit,
        "timeout": 600.0,
        "version": _version(judged, ratio),
    }


def _version(judged: PairJudgement, ratio: Ratio) -> str:
    """Name what is measured: asv compares no results of different versions."""
    pair = {name: getattr(judged.pair, name) for name in MEMBERSHIP}
    text = json.dumps([pair, dict(ratio.point), ratio.measure, ratio.unit], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _word(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-")
