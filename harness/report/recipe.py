"""A trace as a few lines of Python that read the records again and estimate anew."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.point import Point
from harness.judge.judgement import Place, Source
from harness.judge.ratios import is_gain
from harness.judge.statistics import Bounds
from harness.judge.trace import Trace

HEAD = ("import numpy as np", "from scipy import stats", "from harness import open_run")

TURNS = "from harness.judge.block_values import Taken, ratio_of"

# What is printed at the end: the estimate and its two bounds.
_STUDENT = (
    "half = stats.t.ppf(0.975, len(gains) - 1) * np.std(gains, ddof=1) / len(gains) ** 0.5",
    "print(np.mean(gains), np.mean(gains) - half, np.mean(gains) + half)",
)
_BOTH = (
    "by_seed, by_task = (np.var(g.mean(axis=a), ddof=1) / g.shape[1 - a] for a in (1, 0))",
    "n = by_seed**2 / (g.shape[0] - 1) + by_task**2 / (g.shape[1] - 1)",
    "half = stats.t.ppf(0.975, (by_seed + by_task) ** 2 / n) * (by_seed + by_task) ** 0.5",
    "print(g.mean(), g.mean() - half, g.mean() + half)",
)


def recipe(pair: str, trace: Trace, run: str, plugins: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the lines, or none where the figure has no records of its own.

    Records of a study that a plugin brought can't be read without the plugin.
    """
    if trace.source is None or trace.interval is None:
        return ()
    opening = f"open_run({', '.join(map(repr, (run, *plugins)))})"
    reading = _reading(pair, trace, trace.source, opening)
    if is_gain(trace.measure):
        return (*HEAD, *reading, *_gains(trace.interval.method, trace.source.higher_is_better))
    if trace.source.turns is not None:
        lines = "found = ratio_of(before, after)", "print(found.estimate, found.low, found.high)"
        return (*HEAD, TURNS, *reading, *lines)
    every = "[before[key] / after[key] for key in before if key in after]"
    return (*HEAD, *reading, f"ratios = np.sort({every})", *_bounds(trace))


def _reading(pair: str, trace: Trace, source: Source, opening: str) -> tuple[str, ...]:
    wanted = f"({pair!r}, {source.measured!r}, 'ok')"
    used = sorted(
        {each.round for each in trace.rounds if not each.left_out and each.round is not None}
    )
    left = {each.round for each in trace.rounds if each.left_out} - set(used)
    rounds = f" and r.round in {used}" if used and left else ""
    key = "(r.seed, r.round)" if used else "r.seed"
    value = f"np.array({source.value})" if is_gain(trace.measure) else source.value
    if source.turns is not None:
        value = f"Taken.of(r, {source.turns})"
    sides = (("before", source.baseline), ("after", source.method))
    return (
        f"records = [r for block in {opening}.records for r in block.spread()]",
        f"mine = [r for r in records if (r.pair, r.measured, r.status) == {wanted}{rounds}]",
        *(f"{name} = {{{key}: {value} for r in mine if {_where(side)}}}" for name, side in sides),
    )


def _where(side: Place) -> str:
    point: Point | str = dict(side.point)
    if side.by_seed:
        point = f"{ {seed: dict(each) for seed, each in side.by_seed.items()} }.get(r.seed)"
    return f"(r.member, r.point) == ({side.member!r}, {point})"


def _gains(how: str, higher_is_better: bool) -> tuple[str, ...]:
    gain = "after[seed] - before[seed]" if higher_is_better else "before[seed] - after[seed]"
    each = f"[{gain} for seed in before if seed in after]"
    if how == Bounds.OVER_BOTH:
        return (f"g = np.array({each})", *_BOTH)
    if how == Bounds.OVER_ONE_SEED:
        return (f"(gains,) = {each}", *_STUDENT)
    return (f"gains = [np.mean(gain) for gain in {each}]", *_STUDENT)


def _bounds(trace: Trace) -> tuple[str, ...]:
    if trace.seed is None:  # counted, or too few for an interval: the span
        return ("print(np.median(ratios), ratios[0], ratios[-1])",)
    drawn = f"stats.bootstrap((ratios,), np.median, rng=np.random.default_rng({trace.seed})"
    assert trace.interval is not None
    if trace.interval.method == Bounds.PERCENTILE:
        drawn += ", method='percentile'"
    return (
        f"ends = {drawn}).confidence_interval",
        "print(np.median(ratios), ends.low, ends.high)",
    )
