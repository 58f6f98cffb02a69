"""Timed records as pyperf JSON, so that `pyperf stats`, `hist` and `check` can read them."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyperf

from harness.declare.passes import Seen
from harness.declare.point import words_of
from harness.records.record import Record
from harness.records.seen import Times
from harness.records.store import replace_file

FILE = "pyperf.json"


def export(folder: Path, records: Iterable[Record[Seen]]) -> Path | None:
    """Write the timings into a folder, if there are any."""
    content = pyperf_json(records)
    if content is None:
        return None
    replace_file(folder / FILE, content)
    return folder / FILE


def pyperf_json(records: Iterable[Record[Seen]]) -> bytes | None:
    """Return one benchmark for each pair, pass and member, with one pyperf run for each block."""
    runs: dict[str, list[pyperf.Run]] = defaultdict(list)
    for record in records:
        if record.status == "ok" and isinstance(record.seen, Times) and record.seen.seconds:
            at = f"@{words_of(record.point)}" if record.point else ""
            name = f"{record.pair}/{record.measured}{at}/{record.member}"
            runs[name].append(_run(record, record.seen, name))
    if not runs:
        return None
    suite = pyperf.BenchmarkSuite([pyperf.Benchmark(of_one) for of_one in runs.values()])
    text = io.StringIO()
    suite.dump(text)
    return text.getvalue().encode()


def _run(record: Record[Seen], seen: Times, name: str) -> pyperf.Run:
    known = {
        "loops": seen.steps_per_interval,
        "learner": record.learner,
        "workload": record.workload,
        "data": record.data,
        "device": record.device,
        "threads": record.threads,
        "seed": record.seed,
        "round": record.round,
        "load_avg_1min": record.load,
        "date": None if record.started is None else record.started.removesuffix("+00:00"),
    }
    words = {  # without line breaks, which it does not take
        key: " ".join(value.split()) if isinstance(value, str) else value
        for key, value in known.items()
    }
    metadata = {key: value for key, value in words.items() if value not in (None, "")}
    return pyperf.Run(
        list(seen.seconds),
        warmups=[(1, seconds) for seconds in record.warmup_seconds or ()],
        metadata={"name": name, "unit": "second"} | metadata,
        collect_metadata=False,
    )
