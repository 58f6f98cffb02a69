"""What a run of schema 1 left, read as what it would be today.

There a record was one flat object for all passes. What is a point of a sweep today was a row in a
table of its record (growth, variants) or a number beside its pass (scaling).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from harness.declare.passes import Costs
from harness.records.record import Record
from harness.records.seen import SPINE

Table = dict[str, Any]

HEAD = {field.name for field in fields(Record)} - {"seen", "several", "point", "skip", "schema"}
SEEN = {each.name: [field.name for field in fields(each.seen)] for each in SPINE}  # type: ignore[arg-type]  # dataclasses all
INNER_STEPS = "inner_steps"

# Reasons by which a skipped block was known.
INHERITS, PARTNER = "inherits", "its partner"

STUDIES = {
    "variants": {
        "variant_train_steps": "train_steps",
        "variant_steps": "inner_steps",
        "variant_tasks": "tasks",
        "variant_test_tasks": "test_tasks",
        "variant_calls": "calls",
        "variant_batch": "batch",
    },
    "ranks": {"scaling_held_out": "held_out", "scaling_batch": "batch", "scaling_share": "share"},
}
"""Where settings of the protocol went that belong to a study."""

GONE = ("growth_steps", "scaling_ranks")  # points, today
HELD = {"factor": "factor", "order": "missing order"}
"""What was held to the tolerance, by the first word of the worst case."""
PASSES = {"growth": None, "scaling": None}
"""Passes that are a sweep of another one today: the points stand on their records."""


def modern(old: Mapping[str, Any], where: str) -> Iterator[Table]:
    """Yield what the line of schema 1 is in schema 2, a table a record."""
    head: Table = {name: value for name, value in old.items() if name in HEAD}
    head |= {"schema": 2, "skip": _skip(old)}
    measured = old.get("measured")
    if measured == "growth":
        yield from _growth(head, old)
    elif measured == "scaling":
        yield from _scaling(head, old)
    elif measured in ("variants", "variant_times"):
        cells = _cells(old, _QUALITY if measured == "variants" else _TIMES)
        yield head | ({"several": cells} if cells else {})
    else:
        names = SEEN.get(str(measured), [])
        seen = {name: old[name] for name in names if old.get(name) is not None}
        if measured == "check" and "worst_case" in seen:
            seen.setdefault("held", _held(str(seen["worst_case"])))
        yield head | ({"seen": seen} if old.get("status") == "ok" else {})
    if measured == "operations" and old.get("variant_flops"):
        cells = _cells(old, {"flops": "variant_flops"})
        yield head | {"measured": "variant_operations", "several": cells}


def _held(worst_case: str) -> str:
    return HELD.get(worst_case.partition(" ")[0], "error")


def modern_suite(old: Any) -> Any:
    """Return a suite as it was written into a manifest of schema 1, as it would be today.

    What is no suite stays as it is: whoever reads it further says what is wrong with it.
    """
    if not isinstance(old, dict) or not isinstance(old.get("protocol", {}), dict):
        return old
    protocol = dict(old.get("protocol", {}))
    studies: dict[str, Table] = {}
    for study, names in STUDIES.items():
        for then, now in names.items():
            if then in protocol:
                studies.setdefault(study, {})[now] = protocol.pop(then)
    for name in GONE:
        protocol.pop(name, None)
    pairs = old.get("pair", [])
    if isinstance(pairs, list):
        pairs = [_pair(each) if isinstance(each, dict) else each for each in pairs]
    return {**old, "protocol": protocol, "pair": pairs, "study": studies}


def _pair(old: Table) -> Table:
    passes = old.get("passes", [])
    if not isinstance(passes, list):
        return old
    return {**old, "passes": [each for each in passes if str(each) not in PASSES]}


def modern_claims(old: Any) -> Any:
    """Return claims as they were written into a manifest of schema 1, as they would be today."""
    if not isinstance(old, list):
        return old
    return [_claim(each) if isinstance(each, dict) else each for each in old]


def _claim(old: Table) -> Table:
    """Take from the words of the source how much of it could be read, and its address."""
    source = str(old.get("source", ""))
    link = re.match(r"(arXiv|doi):([^\s,]+)", source)
    address = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}
    known = {"link": address[link[1]] + link[2]} if link else {}
    return {**old, **known, **({"read": "abstract"} if source.endswith(", abstract") else {})}


def _skip(old: Mapping[str, Any]) -> str | None:
    if old.get("status") != "skipped":
        return None
    reason = str(old.get("reason") or "")
    if reason.startswith(INHERITS):
        return "inherited"
    return "partner" if reason.startswith(PARTNER) else "absent"


def _growth(head: Table, old: Mapping[str, Any]) -> Iterator[Table]:
    steps, peaks = old.get("growth_steps"), old.get("growth_bytes")
    known = list(zip(steps, peaks, strict=False)) if steps and peaks else []
    for number, peak in known:
        yield head | {
            "measured": "memory",
            "point": {INNER_STEPS: number},
            "seen": {"peak_bytes": peak},
        }
    if not known:
        yield head | {"measured": "memory", "point": {INNER_STEPS: 1}}


def _scaling(head: Table, old: Mapping[str, Any]) -> Iterator[Table]:
    tasks, ranks = old.get("tasks") or 0, old.get("processes") or 1
    ours = {"ranks": ranks} if old.get("member") == "method" else {}
    at = head | {"point": {**ours, "meta_batch": tasks}}
    good = old.get("status") == "ok"
    seen = {name: old[name] for name in SEEN["step"] if old.get(name) is not None}
    yield at | {"measured": "step"} | ({"seen": seen} if good else {})
    names = ("allreduce_calls", "allreduce_bytes", "wire_bytes", "wire_seconds")
    wire = {name: old[name] for name in names if old.get(name) is not None}
    if good and wire:
        costless = {field.name: None for field in fields(Costs)} | {"wall_s": None}
        yield at | costless | {"measured": "wire", "seen": wire}


_QUALITY = {"valid": "variant_valid", "test": "variant_test"}
_TIMES = {"seconds": "variant_seconds", "batch_seconds": "variant_batch_seconds"}


def _cells(old: Mapping[str, Any], names: Mapping[str, str]) -> list[Table]:
    """Return the tables of a record of variants, cell by cell; none of tables that don't fit."""
    try:
        return list(_cell_by_cell(old, names))
    except (IndexError, KeyError, TypeError, AttributeError):
        return []


def _cell_by_cell(old: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Table]:
    variants, steps = old.get("variants") or (), old.get("variant_steps") or ()
    known_as = old.get("variant_known_as") or [""] * len(variants)
    shared = {"batch": old.get("variant_batch"), "trained_at": old.get("variant_trained_at")}
    wanted = {"batch"} if "seconds" in names else {"trained_at"} if "valid" in names else set()
    about = {name: shared[name] for name in wanted if shared[name] is not None}
    for row, variant in enumerate(variants):
        for column, number in enumerate(steps):
            seen = {now: old[then][row][column] for now, then in names.items()}
            known = {"known_as": known_as[row], "full": variant == old.get("variant_full")}
            yield {
                "point": {"variant": variant, INNER_STEPS: number},
                "seen": seen | known | about,
            }
