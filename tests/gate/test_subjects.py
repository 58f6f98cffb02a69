"""A subject of a gate is a learner beside itself."""

from __future__ import annotations

from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.gate.subjects import subjects_of


def pair(method: str, *passes: str, **about: object) -> Pair:
    return Pair(method, "m", method, "w", "", passes, settings={"a": 1}, **about)  # type: ignore[arg-type]  # any of its fields


def test_a_subject_is_itself_on_either_side():
    (found,) = subjects_of(Suite("s", "S", (pair("m", "check"),), Protocol()))
    assert found.is_aa
    assert (found.name, found.method) == ("m on w (a=1)", "m")


def test_each_is_there_once_with_its_own_settings_and_ranks_and_all_of_its_passes():
    pairs = (
        pair("m", "check", "step"),
        pair("n", "step", "memory", "variants"),
        pair("t", "step", ranks=2, communicator="horovod", method_settings={"b": 2}),
    )
    found = subjects_of(Suite("s", "S", pairs, Protocol()))
    assert [(each.name, each.ranks, each.communicator, each.passes) for each in found] == [
        ("m on w (a=1)", 1, "torch", ("check", "step", "memory")),
        ("n on w (a=1)", 1, "torch", ("step", "memory")),
        ("t (b=2) on w (a=1), 2 ranks by horovod", 2, "horovod", ("step",)),
    ]
    assert found[2].baseline_settings == found[2].method_settings == {"b": 2}
