"""The tables of the run itself: how each member ran, on which machine, by which protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from harness.declare.pair import MEMBERS
from harness.declare.protocol import Protocol
from harness.declare.study import Study
from harness.judge.judgement import Judgement
from harness.judge.machines import Range, Surroundings
from harness.judge.noise.timed_blocks import MemberRun
from harness.records.manifest import Manifest
from harness.records.seen import CHECK, CURVE
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


def member_table(judgement: Judgement) -> Table | None:
    """Return how each member of each pair really ran."""
    groups = [
        Group(tuple(dict.fromkeys(map(_member_row, judged.member_runs))), judged.pair.name)
        for judged in judgement.pairs
        if judged.member_runs
    ]
    return grouped_table(
        "members",
        "How each member ran",
        "Processes and threads, the fast paths that really ran, and the time spent before the "
        "first measured interval. Step times include neither compilation nor graph capture.",
        (Column("Member", 1.3), Column("Ran as", 1.4), Column("Before measurement", 1.4)),
        groups,
    )


def machine_table(manifest: Manifest, around: Surroundings) -> Table:
    """Return the probes of the machine, and those of the blocks as ranges."""
    probes = {name: value for name, value in manifest.probes.items() if name != PACKAGES}
    rows = [(Cell(label), Cell(value)) for label, value in _flat(probes)]
    rows += [
        (Cell("load at a block's start"), Cell(_span(around.load))),
        (Cell("CPU time stolen"), Cell(_span(around.steal, share=True))),
        (Cell("temperature"), Cell(_span(around.temperature, "°C"))),
        (Cell("other GPU processes"), Cell(_span(around.gpu_processes))),
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
        ("rounds", f"at most {manifest.rounds} for each of {count(len(manifest.seeds), 'seed')}"),
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


def _member_row(ran: MemberRun) -> tuple[Cell, ...]:
    teams = sorted(f"{processes} {TIMES} {_threads(threads)}" for processes, threads in ran.teams)
    where = [part for part in (ran.device, ran.dtype) if part]
    return (
        Cell(ran.learner, ran.settings),
        Cell(", ".join([*teams, *where]), "; ".join([*_steps(ran), *_fast(ran.fast_paths)])),
        _before(ran),
    )


def _steps(ran: MemberRun) -> Iterator[str]:
    """Say how many steps were timed together."""
    if ran.steps is not None:
        low, high = ran.steps
        yield f"{count(low, 'step')} a turn" if low == high else f"{low} to {high} steps a turn"


def _fast(told: Sequence[str]) -> Iterator[str]:
    """Say what really ran; where every block chose for itself, a few stand for all."""
    others = len(told) - MOST_TOLD
    more = f"; {count(others, 'other')} in records.jsonl" if others > 0 else ""
    yield f"fast paths: {'; '.join(told[:MOST_TOLD]) or 'none reported'}{more}"


def _threads(threads: int | None) -> str:
    return f"{UNKNOWN} threads" if threads is None else count(threads, "thread")


def _before(ran: MemberRun) -> Cell:
    unknown = ran.warmup_s is None
    words = ["warm-up unknown" if unknown else f"warm-up {quantity(ran.warmup_s, 's')}"]
    if ran.steady is not None:
        words.append(f"steady in {ran.steady} of {ran.told_steady}")
    compiled = ran.compile_s is not None
    made = f"planned or compiled in {quantity(ran.compile_s, 's')}" if compiled else ""
    return Cell(", ".join(words), made)


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


def _span(ends: Range | None, unit: str = "", share: bool = False) -> str:
    if ends is None:
        return "unknown"
    told = [percent(end) if share else significant(end, 2) for end in ends]
    text = told[0] if told[0] == told[1] else f"{told[0]} to {told[1]}"
    return f"{text} {unit}".strip()
