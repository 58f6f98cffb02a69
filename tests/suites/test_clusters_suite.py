"""What suite clusters compares: training in clusters with mixed training, and nothing else."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.declare.pair import Pair
from harness.declare.suite import read_suite, resolve
from harness.measure.preparation import CLAIMS, SUITES
from harness.registry import Registry

SUITE = read_suite(SUITES / "clusters.toml")
PAPER = [pair for pair in read_suite(SUITES / "paper.toml").pair if pair.name == "clusters"]
COMPARED = [pair for pair in (*SUITE.pair, *PAPER) if not pair.is_aa]
CHOSEN = ("clusters", "by")


def test_it_names_what_there_is() -> None:
    claims = resolve(SUITE, Registry().whole(), load_claims(CLAIMS))
    assert set(claims) == {"clusters-faster", "clusters-better", "clusters-better-tuned"}


@pytest.mark.parametrize("pair", COMPARED, ids=lambda pair: pair.name)
def test_the_sides_differ_in_their_clusters_alone(pair: Pair) -> None:
    def others(settings: dict) -> dict:
        return {name: value for name, value in settings.items() if name not in CHOSEN}

    assert pair.baseline == pair.method
    assert pair.baseline_settings["clusters"] == 1
    assert others(pair.baseline_settings) == others(pair.method_settings)
    assert {name for point in pair.points for name in point if name.startswith("method.")} <= {
        f"method.{name}" for name in CHOSEN
    }


def test_rate_and_number_of_clusters_are_chosen_over_enough_seeds() -> None:
    assert SUITE.protocol.seeds >= 5
    for name, rate in (("hrnn", "meta_lr"), ("maml", "outer_lr")):
        [pair] = [pair for pair in SUITE.pair if pair.name == name]
        assert len({point[rate] for point in pair.points}) > 1
        assert len({pair.at(point).method_settings["clusters"] for point in pair.points}) > 1
        assert "clusters-better-tuned" in pair.claims


def test_the_paper_suite_has_a_small_pair() -> None:
    assert [pair.claims for pair in PAPER] == [("clusters-faster", "clusters-better")]
