"""The tables of the run itself: how each member ran, on which machine, by which protocol."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.declare.suite import MEMBERS, Protocol
from harness.judge.evidence import Evidence
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.seen import CHECK, CURVE, Times
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table, simple_table
from harness.report.units import TIMES, UNKNOWN, count, percent, quantity, significant

# The probe that maps every installed package to its version.
PACKAGES = "packages"

# What differs from block to block is told so often.
MOST_TOLD = 2

# Words that lose their meaning in lower case.
_NAMES = {
    "cpu": "CPU",
    "cpus": "CPUs",
    "gpu": "GPU",
    "gpus": "GPUs",
    "os": "OS",
    "blas": "BLAS",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "tf32": "TF32",
    "git": "git",
    "mkl": "MKL",
    "openmp": "OpenMP",
    "ram": "RAM",
    "python": "Python",
}


def member_table(evidence: Evidence) -> Table | None:
    """Return what each member of each pair really ran as."""
    groups = []
    for pair in evidence.manifest.suite.pair:
        members = [
            [r for r in evidence.of(pair) if r.member == m and r.status == "ok"] for m in MEMBERS
        ]
        rows = tuple(
            dict.fromkeys(_member_row(found, evidence.passes) for found in members if found)
        )
        if rows:
            groups.append(Group(rows, pair.name))
    return grouped_table(
        "members",
        "How each member ran",
        "Processes and threads, the fast paths that really ran, and the time spent before the "
        "first measured interval. Step times include neither compilation nor graph capture.",
        (Column("Member", 1.3), Column("Ran as", 1.4), Column("Before measurement", 1.4)),
        groups,
    )


def machine_table(evidence: Evidence) -> Table:
    """Return the probes of the machine, and those of the blocks as ranges."""
    manifest, records = evidence.manifest, evidence.records
    probes = {name: value for name, value in manifest.probes.items() if name != PACKAGES}
    rows = [(Cell(label), Cell(value)) for label, value in _flat(probes)]
    rows += [
        (Cell("load at a block's start"), Cell(_span([r.load for r in records]))),
        (Cell("CPU time stolen"), Cell(_span([r.steal for r in records], share=True))),
        (Cell("temperature"), Cell(_span([r.temperature for r in records], "°C"))),
        (Cell("other GPU processes"), Cell(_span([_number(r.gpu_processes) for r in records]))),
        (Cell("harness"), Cell(manifest.version)),
        (Cell("packages"), _packages(manifest)),
    ]
    table = simple_table(
        "machine",
        "Machine and probes",
        "Probed once per run; load, stolen CPU time, temperature and other GPU processes are the "
        "ranges over all blocks.",
        (Column("Probe", 1.0), Column("Value", 1.8)),
        rows,
    )
    assert table is not None
    return table


def machines_table(manifests: Mapping[str, Manifest]) -> Table | None:
    """Return the probes of several runs beside each other, and which of them are the same."""
    every = {
        name: dict(_flat({key: value for key, value in each.probes.items() if key != PACKAGES}))
        | {"device": each.device, "threads": str(each.threads), "harness": each.version}
        for name, each in manifests.items()
    }
    rows = []
    for label in dict.fromkeys(label for probes in every.values() for label in probes):
        values = [probes.get(label, UNKNOWN) for probes in every.values()]
        same = Cell("yes") if len(set(values)) == 1 else Cell("no", "", "mixed")
        rows.append((Cell(label), *map(Cell, values), same))
    return simple_table(
        "machines",
        "Machines and probes",
        "What each run probed of its machine and its software.",
        (Column("Probe", 1.2), *(Column(name, 1.6) for name in every), Column("Same", 0.6)),
        rows,
        wide=True,
    )


def protocol_table(manifest: Manifest, studies: Sequence[Study] = ()) -> Table:
    """Return the protocol by which everything was measured, without settings that nothing used."""
    protocol = manifest.suite.protocol
    taken = {name for pair in manifest.suite.pair for name in pair.every_pass}
    idle = {s.name for s in studies if s.passes and not taken & {p.name for p in s.passes}}
    rows = [
        ("rounds", f"{manifest.rounds} for each of {count(len(manifest.seeds), 'seed')}"),
        ("seeds", ", ".join(str(seed) for seed in manifest.seeds) or UNKNOWN),
        ("threads", str(manifest.threads)),
        ("device", manifest.device),
        ("blocks planned", str(len(manifest.plan))),
        (
            "intervals per block",
            f"{protocol.intervals}, each at least {quantity(protocol.interval_s, 's')}",
        ),
        ("warm-up", f"at most {quantity(protocol.warmup_s, 's')}"),
        ("time limit per block", quantity(protocol.limit_s, "s")),
        *(_check_settings(protocol) if CHECK.name in taken else []),
        *(_curve_settings(protocol) if CURVE.name in taken else []),
        *_settings_of_studies(manifest, idle),
        *_own_protocols(manifest),
        ("data folder", "given by the user" if manifest.data_dir else "none (embedded data)"),
        ("hash of the plan", manifest.plan_hash),
    ]
    table = simple_table(
        "protocol",
        "Protocol",
        "The settings that every block was measured with.",
        (Column("Setting", 1.0), Column("Value", 1.8)),
        [(Cell(label), Cell(value)) for label, value in rows],
    )
    assert table is not None
    return table


def _own_protocols(manifest: Manifest) -> list[tuple[str, str]]:
    """Return what pairs have of their own, in place of what the other rows say."""
    return [
        (f"pair {pair.name}", ", ".join(f"{n} {value:g}" for n, value in pair.protocol.items()))
        for pair in manifest.suite.pair
        if pair.protocol
    ]


def _check_settings(protocol: Protocol) -> list[tuple[str, str]]:
    return [("random problems per check", str(protocol.check_examples))]


def _curve_settings(protocol: Protocol) -> list[tuple[str, str]]:
    steps = f"{protocol.curve_steps} steps, evaluated every {protocol.curve_every}"
    return [
        ("learning curve", f"{steps} on {protocol.curve_tasks} tasks"),
        ("test tasks", str(protocol.test_tasks)),
    ]


def _settings_of_studies(manifest: Manifest, idle: Collection[str]) -> list[tuple[str, str]]:
    """Return what the suite set for its studies, as it was set."""
    return [
        (f"{name}: {setting.replace('_', ' ')}", _value(setting, value))
        for name, given in manifest.suite.study.items()
        for setting, value in given.items()
        if name not in idle
    ]


def machine_words(probes: Mapping[str, Any]) -> str:
    """Name the machine in a few words."""
    found = {key.rsplit(".", 1)[-1]: value for key, value in _paths(probes)}

    def first(*names: str) -> str | None:
        return next((str(found[name]) for name in names if found.get(name)), None)

    words = [
        first("gpu"),
        first("cpu"),
    ]
    cores = first("usable_cores", "cores", "logical_cores")
    named = [word for word in words if word]
    if cores:
        named.append(f"{cores} cores")
    return ", ".join(named) or "a machine that could not be identified"


def _member_row(records: list[Record[Seen]], passes: Mapping[str, Pass[Seen]]) -> tuple[Cell, ...]:
    timed = [r for r in records if passes[r.measured].clocked] or records
    first = timed[0]
    ran = ", ".join(
        sorted({f"{r.processes or 1} {TIMES} {_threads(r.threads)}" for r in timed})
        + [str(part) for part in (first.device, first.dtype) if part]
    )
    return (
        Cell(first.learner, first.learner_settings),
        Cell(ran, f"fast paths: {_fast_paths(timed)}"),
        _before(timed),
    )


def _fast_paths(records: Sequence[Record[Seen]]) -> str:
    """Say what really ran; where every block chose for itself, a few stand for all."""
    told = list(dict.fromkeys(r.fast_paths for r in records if r.fast_paths))
    if not told:
        return "none reported"
    others = len(told) - MOST_TOLD
    more = f"; {count(others, 'other')} in records.jsonl" if others > 0 else ""
    return "; ".join(told[:MOST_TOLD]) + more


def _threads(threads: int | None) -> str:
    return f"{UNKNOWN} threads" if threads is None else count(threads, "thread")


def _before(timed: list[Record[Seen]]) -> Cell:
    warm = [r.warmup_s for r in timed if r.warmup_s is not None]
    steady = [r.warmup_steady for r in timed if r.warmup_steady is not None]
    times = [r.seen for r in timed if isinstance(r.seen, Times)]
    compiled = [seen.compile_s for seen in times if seen.compile_s is not None]
    words = [f"warm-up {quantity(statistics.median(warm), 's')}" if warm else "warm-up unknown"]
    if steady:
        words.append(f"steady in {sum(steady)} of {len(steady)}")
    note = f"compilation {quantity(statistics.median(compiled), 's')}" if compiled else ""
    return Cell(", ".join(words), note)


def _packages(manifest: Manifest) -> Cell:
    """Name the packages that a member of some pair is called after, and count the others."""
    installed = manifest.probes.get(PACKAGES)
    if not isinstance(installed, Mapping):
        return Cell("unknown")
    learners = {pair.learner(member) for pair in manifest.suite.pair for member in MEMBERS}
    words = {word for learner in learners for word in learner.lower().split("_")}
    named = [
        f"{name} {version}"
        for name, version in installed.items()
        if name.replace("-", "_").split("_")[0] in words
    ]
    rest = count(len(installed) - len(named), "other")
    return Cell(", ".join([*named, rest]), "manifest.json lists every version")


def _flat(probes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_label(path), _value(path, value)) for path, value in _paths(probes)]


def _paths(probes: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return every leaf of nested probes with its dotted path, in the order given."""
    leaves: list[tuple[str, Any]] = []
    for key, value in probes.items():
        if isinstance(value, Mapping):
            leaves += _paths(value, f"{prefix}{key}.")
        else:
            leaves.append((f"{prefix}{key}", value))
    return leaves


def _label(path: str) -> str:
    words = path.replace(".", " ").replace("_", " ").split()
    if words and words[-1] in ("bytes", "s", "mhz") and len(words) > 1:
        words = words[:-1]
    return " ".join(_NAMES.get(word, word) for word in words)


def _value(path: str, value: Any) -> str:
    if value is None or value == "":
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_value(path, part) for part in value) or "none"
    if isinstance(value, int | float):
        for ending, unit in (("bytes", "bytes"), ("_s", "s"), ("_mhz", "MHz")):
            if path.endswith(ending):
                return quantity(value, unit)
        return str(value) if isinstance(value, int) else significant(value, 4)
    return str(value)


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _span(values: list[float | None], unit: str = "", share: bool = False) -> str:
    seen = [value for value in values if value is not None]
    if not seen:
        return "unknown"
    write = percent if share else (lambda value: significant(value, 2))
    ends = [write(end) for end in (min(seen), max(seen))]
    text = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    return f"{text} {unit}".strip()
