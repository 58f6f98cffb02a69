"""What a stored run counted is compared of every member, whatever tells it from the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.pair import Pair
from harness.gate.findings import Finding
from harness.gate.stored_run import _findings
from harness.registry import Registry
from harness.results import Results
from tests.judge.builders import counts, manifest

ITSELF = Pair("itself", "plain", "plain", "toys", "nothing", ("operations", "memory"))


def found(pair: Pair, before: int, after: int) -> list[Finding]:
    """Return what is found where the method's bytes and passes were so many, and are now."""

    def results(method: int) -> Results:
        records = counts(pair, 4000, method)
        return Results(Path("run"), manifest(records, (pair,), ()), records, Registry())

    return list(_findings(results(before), results(after), 0.05))


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"method": "fast"}, "fast"),
        ({"method_settings": {"depth": 3}}, "plain (depth=3)"),
        ({"ranks": 2}, "plain, 2 ranks"),
    ],
)
def test_a_count_of_either_member_that_grew_is_a_regression(about: dict[str, object], name: str):
    pair = Pair(**{**vars(ITSELF), **about})
    told = found(pair, 1000, 1001)
    worse = [each for each in told if each.word == "regressed"]
    assert {(each.subject, each.measure) for each in worse} == {
        (f"{name} in pair itself", "peak_bytes"),
        (f"{name} in pair itself", "backward_passes"),
    }
    assert len({(each.subject, each.measure) for each in told}) == len(told) == 6


def test_a_learner_beside_itself_is_counted_once():
    told = found(ITSELF, 4000, 4000)
    assert [(each.subject, each.measure) for each in told] == [
        ("plain in pair itself", measure) for measure in ("peak_bytes", "flops", "backward_passes")
    ]
