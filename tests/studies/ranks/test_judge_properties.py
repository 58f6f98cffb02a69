"""Whatever seconds a run's rounds hold, scaling is judged without a word that is no number."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.judge.pair_study import PairSoFar
from harness.records.seen import Times
from harness.studies.ranks.judge import scaling_of
from harness.studies.ranks.model import TERMS, Point, Seen, Shape, fit
from tests.judge.builders import AA, claim, evidence
from tests.records.made import altered
from tests.studies.ranks.runs import BYTES, CORES, PAIR, POINTS, scaling

RECORDS = scaling(noise=0.1)
SPANS = st.floats(1e-12, 1e8) | st.floats(0.5, 2.0)
# Few values for many blocks, so that rounds are wild and yet repeat.
WILD = st.lists(SPANS, min_size=1, max_size=20)
SEEN = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@SEEN
@given(WILD, WILD)
def test_any_seconds_are_judged_and_all_that_is_said_is_finite_and_in_order(steps, wires):
    wild = [
        altered(each, seconds=(steps[place % len(steps)],))
        if isinstance(each.seen, Times)
        else altered(
            each,
            wire_seconds=tuple(
                wires[(place + n) % len(wires)] for n in range(len(each.seen.wire_seconds))
            ),
        )
        for place, each in enumerate(RECORDS)
    ]
    claims = (claim(),)
    seen = evidence(wild, pairs=(PAIR, AA), claims=claims, probes=CORES)
    judged = scaling_of(PairSoFar(seen, PAIR, claims))  # an Interval refuses what is not finite
    assert judged is not None
    found = judged.scaling
    assert found.prediction is not None
    if found.prediction.reason:
        assert not found.prediction.predicted
    for each in found.prediction.predicted:
        assert each.seconds.estimate > 0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.fixed_dictionaries({name: st.floats(0, 1) for name in TERMS}),
    st.integers(1, 16),
    st.integers(8, 12),
)
def test_what_the_formula_made_is_fitted_whatever_its_terms(terms, seats, rounds):
    """Terms that look alike from these points may be mixed up; the times they make may not."""
    shape = Shape(seats, BYTES)
    exact = {p: made(terms, shape.step(p)) for p in POINTS if p.ranks != 3}
    wires = {(n, size): made(terms, shape.wire(n, size)) for n in (2, 4) for size in (4, BYTES)}
    if min(*exact.values(), *wires.values()) < 1e-6:
        return
    model = fit([Seen(1.0, exact, wires)] * rounds, shape, 0)
    assert model.misfit < 1e-6
    at_3 = Point(3, 32)
    found, _ = model.seconds(at_3, own_cores=False)
    if 1 < seats < 3 or seats >= 4:  # else the cores at work are never fewer than all, or all
        assert math.isclose(found, made(terms, shape.step(at_3)), rel_tol=1e-5)


def made(terms: dict[str, float], counts: list[float]) -> float:
    return sum(terms[name] * count for name, count in zip(TERMS, counts, strict=True))
