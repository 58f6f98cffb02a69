"""Learning curves over seeds: the band holds every seed, and their median lies in it."""

from __future__ import annotations

from harness.judge.quality.bands import bands
from tests.judge.builders import PAIR, checks, curve, evidence, judged

QUALITIES = {0: (0.1, 0.4, 0.9), 1: (0.3, 0.2, 0.8), 2: (0.2, 0.6, 0.7)}


def test_a_band_has_the_least_the_median_and_the_most_of_all_seeds():
    records = [curve(PAIR, "method", q, seed=seed) for seed, q in QUALITIES.items()]
    (band,) = bands(evidence(records), PAIR)
    assert (band.member, band.metric, band.seeds) == ("method", "accuracy", 3)
    assert band.steps == (10, 20, 30)
    assert band.lows == (0.1, 0.2, 0.7)
    assert band.medians == (0.2, 0.4, 0.8)
    assert band.highs == (0.3, 0.6, 0.9)
    assert (band.last_step, band.last) == (30, 0.8)


def test_a_band_stands_at_the_steps_that_all_seeds_report():
    records = [curve(PAIR, "baseline", (0.1, 0.4, 0.9)), curve(PAIR, "baseline", (0.3,), seed=1)]
    (band,) = bands(evidence(records), PAIR)
    assert (band.steps, band.medians) == ((10,), (0.2,))
    assert (band.last_step, band.last) == (30, 0.6)


def test_a_pair_whose_check_failed_shows_no_band():
    records = [curve(PAIR, "baseline"), curve(PAIR, "method")]
    shown = judged(checks(PAIR) + records).pairs[0]
    assert [band.member for band in shown.bands] == ["baseline", "method"]
    assert judged(checks(PAIR, (True, False)) + records).pairs[0].bands == ()
