"""Records and manifests made by hand, and strategies for any of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from harness.declare.claims import Claim, Reading
from harness.declare.suite import Pair, Protocol, Suite
from harness.records.manifest import Manifest
from harness.records.record import SCHEMA, Record

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


def make_record(number: int = 0, **changes: Any) -> Record:
    record = Record(
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
    return dataclasses.replace(record, **changes)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a record's field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(of_type, arguments))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    return {
        bool: st.booleans(),
        int: st.integers(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(),
        type(None): st.none(),
    }[hint]


RECORDS = st.builds(
    Record,
    **{
        name: st.just(SCHEMA) if name == "schema" else of_type(hint)
        for name, hint in typing.get_type_hints(Record).items()
    },
)
