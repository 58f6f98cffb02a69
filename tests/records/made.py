"""Records and manifests made by hand, and strategies for any of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from harness.declare.claims import Claim, Reading
from harness.declare.convergence import ConvergencePoint
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.records.manifest import Manifest
from harness.records.record import MOST, Record
from harness.records.seen import SPINE
from harness.registry import Registry

FIXTURE = Path(__file__).parent / "fixtures" / "schema1"

PAIR = Pair("pair", "plain", "fast", "toys", "how", ("step",), ("twice",), settings={"n": 2})
READING = Reading("time", "half the time", 2.0, "step_time")
CLAIM = Claim("twice", "Paper", "here", "it is twice as fast", (READING,), "known")
SUITE = Suite("toys", "Made up", (PAIR,), Protocol(seeds=1), verdicts=False)


def make_manifest(**changes: Any) -> Manifest:
    manifest = Manifest(
        command="python -m harness run suite=toys",
        suite=SUITE,
        claims=(CLAIM,),
        seeds=(0,),
        rounds=2,
        threads=1,
        device="cpu",
        data_dir=False,
        plan=("pair/step/baseline/seed0/round0", "pair/step/method/seed0/round0"),
        plan_hash="0123456789abcdef",
        started="2026-01-02T03:04:05+00:00",
        version="0.1.0",
        probes={"cpu": "a processor", "cores": 2, "load": None, "packages": {"torch": "2.13.0"}},
    )
    return dataclasses.replace(manifest, **changes)


PASSES = Registry().passes
HEAD = {field.name for field in dataclasses.fields(Record)}


def split(measured: str, flat: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of the fields belongs to a record's head, and what to what its pass saw."""
    head = {name: value for name, value in flat.items() if name in HEAD}
    return head, {name: value for name, value in flat.items() if name not in HEAD}


def flat_record(**flat: Any) -> Record[Seen]:
    """Return the record of these fields, whether they are of its head or of what was seen."""
    head, seen = split(flat["measured"], {"status": "ok"} | flat)
    record: Record[Seen] = Record(**head)
    if seen or (record.status == "ok" and not record.several):
        return record.holding(PASSES[record.measured].seen(**seen))
    return record


def altered(record: Record[Seen], **flat: Any) -> Record[Seen]:
    """Return the record with other values, wherever they stand; what failed saw nothing."""
    head, seen = split(record.measured, flat)
    if head.get("status", "ok") != "ok":
        return dataclasses.replace(record, **{"skip": None, "seen": None, "several": ()} | head)
    if seen and record.seen is not None:
        head["seen"] = dataclasses.replace(record.seen, **seen)  # type: ignore[type-var]  # a dataclass
    elif seen:
        head["several"] = tuple(
            (point, dataclasses.replace(each, **seen))  # type: ignore[type-var]  # likewise
            for point, each in record.several
        )
    return dataclasses.replace(record, **head)


def make_record(number: int = 0, **changes: Any) -> Record[Seen]:
    record = flat_record(
        block=f"pair/step/baseline/seed0/round{number}",
        pair="pair",
        measured="step",
        member="baseline",
        learner="plain",
        workload="toys",
        settings="n=2",
        learner_settings="",
        seed=0,
        round=number,
        status="ok",
        data="töys (made up)",
        threads=1,
        seconds=(0.25, 0.5),
        steps_per_interval=4,
        warmup_seconds=(1.0,),
        started="2026-01-02T03:04:05+00:00",
    )
    return altered(record, **changes)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a record's field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(of_type, arguments))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if hint is ConvergencePoint:
        fields = {name: of_type(each) for name, each in typing.get_type_hints(hint).items()}
        return st.builds(hint, **fields | {"steps": st.integers(min_value=1)})
    if origin is dict:
        return st.dictionaries(*map(of_type, arguments), max_size=3)
    if origin is tuple:
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    return {
        bool: st.booleans(),
        int: st.integers(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(),
        type(None): st.none(),
    }[hint]


SEEN = {each.name: each.seen for each in SPINE}
POINTS = st.dictionaries(st.text(min_size=1, max_size=5), st.integers() | st.text() | st.booleans())


def _seen_by(measured: str) -> st.SearchStrategy[Seen]:
    hints = typing.get_type_hints(SEEN[measured])
    del hints["of_quality"]
    return st.builds(SEEN[measured], **{name: of_type(hint) for name, hint in hints.items()})


@st.composite
def records(draw: st.DrawFn) -> Record[Seen]:
    """Draw any record: of any pass, at its own point or at several, or of a block that failed."""
    hints = typing.get_type_hints(Record)
    for name in ("seen", "several", "point", "schema", "measured"):
        del hints[name]
    head = {name: draw(of_type(hint)) for name, hint in hints.items()}
    head |= {name: draw(st.integers(-MOST, MOST - 1)) for name in ("seed", "round")}
    measured = draw(st.sampled_from(sorted(SEEN)))
    record: Record[Seen] = Record(**head, measured=measured, point=draw(POINTS))
    if record.status != "ok":
        return record
    if draw(st.booleans()):
        return record.holding(draw(_seen_by(measured)))
    several = st.lists(st.tuples(POINTS, _seen_by(measured)), min_size=1, max_size=3)
    return record.holding(draw(several))


RECORDS = records()
