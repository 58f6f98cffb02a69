"""Runs of ladders, were steps to take what a table says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.point import Point
from harness.judge.evidence import Evidence
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.studies.ladder.judge import Ladder, Step
from tests.judge.builders import AA, ROUNDS, SEEDS, checks, curve, manifest, record, timed

BASELINE_S = 1.0
SECONDS = {
    "reuse": 0.5,
    "rows": 0.4,
    "reuse-rows": 0.25,
    "together": 1.25,
    "product": 0.1,
    "compiled": 0.08,
}
ONCE = {"product": 0.5, "compiled": 18.0}
OVER = {"draws": 2, "apart": 10, "epoch": 50}
LENGTHS = [{"name": "short", "updates": 10}, {"name": "long", "updates": 2000}]
SHORT = {"steps": 5}


def rung(name: str, of: str, added: bool = False, **about: Any) -> Pair:
    place: dict[str, Any] = {"rung": of} | ({"added": True} if added else {})
    return Pair(
        name,
        "plain",
        f"learner_{name}",
        "toys",
        "how",
        passes=("check", "step", "one_off"),
        settings={"steps": 20},
        study={"ladder": place},
        **about,
    )


PAIRS = (
    rung("reuse", "reuse"),
    rung("rows", "rows"),
    rung("reuse-rows", "rows", added=True),
    rung("together", "together"),
    rung("product", "together", added=True),
    rung("compiled", "compiled"),
)
LEARNER = Pair(
    "learned", "rival", "learner_product", "toys", "what", ("curve",),
    settings={"steps": 20, "meta_lr": 0.1}, study={"ladder": {"learning": True}},
)  # fmt: skip


def swept(pairs: Sequence[Pair] = PAIRS) -> tuple[Pair, ...]:
    """Return the pairs with their steps timed in short unrolls too."""
    return tuple(dataclasses.replace(p, sweep=(SHORT,), swept=("step",)) for p in pairs)


def measured(
    pair: Pair, seconds: float, noise: float = 0.0, once: float = 0.0, **about: Any
) -> list[Record[Seen]]:
    """Return what a run saw of a rung whose meta-update takes so long."""
    found = checks(pair) + timed(pair, BASELINE_S, seconds, noise=noise, samples=320, **about)
    for seed in SEEDS:
        found.append(
            record(
                pair,
                "one_off",
                "method",
                seed,
                first_seconds=(seconds + once, seconds),
                again_seconds=(seconds, seconds),
                preparations=(int(once > 1), int(once > 1)),
                preparation_seconds=(once if once > 1 else 0.0,) * 2,
            )
        )
    return found


def whole(
    pairs: Sequence[Pair] = PAIRS, noise: float = 0.0, seconds: Mapping[str, float] = SECONDS
) -> list[Record[Seen]]:
    found = timed(AA, BASELINE_S, BASELINE_S)
    for pair in pairs:
        found += measured(pair, seconds[pair.name], noise, ONCE.get(pair.name, 0.0))
        for at in pair.points:
            found += at_point(pair, at, 0.25, 0.25 * seconds[pair.name], noise)
    return found


def at_point(
    pair: Pair, at: Point, baseline: float, method: float, noise: float = 0.0
) -> list[Record[Seen]]:
    return [
        dataclasses.replace(each, block=each.block.replace("/step/", "/step@x/"))
        for each in timed(pair, baseline, method, noise=noise, point=at)
    ]


def learning() -> list[Record[Seen]]:
    """Return three seeds' curves, of 50 meta-updates: two reach -0.4, one is late."""
    qualities = ((-0.1, -0.2, -0.4, -0.4, -0.5), (-0.1, -0.3, -0.35, -0.4, -0.4), (0.0,) * 5)
    return [
        curve(LEARNER, "method", quality, seed=seed, metric="loss left", higher_is_better=False)
        for seed, quality in zip(SEEDS, qualities, strict=True)
    ]


def planned(records: Sequence[Record[Seen]], pairs: Sequence[Pair] = PAIRS) -> Manifest:
    run = manifest(records, pairs=(*pairs, AA), claims=())
    study = {"ladder": {**OVER, "lengths": LENGTHS}}
    return dataclasses.replace(run, suite=dataclasses.replace(run.suite, study=study))


def judged(records: Sequence[Record[Seen]], pairs: Sequence[Pair] = PAIRS) -> Judgement:
    return judge(planned(records, pairs), records)


def evidence(records: Sequence[Record[Seen]], pairs: Sequence[Pair] = PAIRS) -> Evidence:
    return Evidence(planned(records, pairs), records)


def ladder(records: Sequence[Record[Seen]], pairs: Sequence[Pair] = PAIRS) -> Ladder:
    (found,) = judged(records, pairs).studies["ladder"]
    assert isinstance(found, Ladder)
    return found


def own(found: Ladder) -> dict[str, Step]:
    """Return the rungs at the pairs' own settings, by name."""
    (steps,) = (each.steps for each in found.waterfalls if not each.point)
    return {step.rung: step for step in steps}


assert len(SEEDS) * ROUNDS >= 8  # or there would be no intervals
