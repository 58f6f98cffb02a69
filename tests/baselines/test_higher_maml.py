from __future__ import annotations

import higher

from baselines.higher_maml import HigherMaml
from harness.declare.tree import identical
from harness.registry import Registry
from tests.baselines.tracking import TRACKING, statistics_after_work


def test_every_network_of_the_family_can_be_patched() -> None:
    """What higher makes of a class inherits from that class, and from an ABC of its own."""
    registry = Registry()
    for entry in registry.entries("workload"):
        if entry.load().family == "maml":
            network = entry.load()().module()
            higher.monkeypatch(network)


def test_running_statistics_of_a_patched_copy_do_not_reach_the_network() -> None:
    found, new = statistics_after_work(HigherMaml(TRACKING))
    assert new
    assert identical(found, new)
