"""Runs of pairs that sweep a rate and a depth, as the harness would have left them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.declare.claims import Claim, Reading
from harness.declare.pair import MEMBERS, Member, Pair
from harness.declare.passes import Seen
from harness.declare.point import Point, words_of
from harness.judge.judgement import PairJudgement
from harness.records.record import Record
from harness.studies.grid.finding import Arm, Finding
from tests.judge.builders import AA, PAIR, checks, judged, record

SWEPT: Pair = dataclasses.replace(
    PAIR,
    passes=("check", "curve"),
    claims=("up-to", "larger"),
    sweep={"depth": (1, 2), "inner_lr": (0.1, 1.0, 4.0)},
)
SEEDS = tuple(range(16))
LAST, EVERY = 20, 10
"""Evaluations of a training, and the steps between them."""

NEVER = 99
DIVERGED = -1

UP_TO = Claim(
    "up-to",
    "Paper",
    "here",
    "up to twice as fast",
    (
        Reading("best", "2 times fewer steps", 2.0, "best_steps_to_target"),
        Reading("own", "2 times fewer steps, own best", 2.0, "own_best_steps_to_target"),
    ),
    "reconstructed",
)
LARGER = Claim(
    "larger",
    "Paper",
    "here",
    "larger rates",
    (Reading("rate", "half as large again", 1.5, "largest_trainable", "ours"),),
    "reconstructed",
)

At = Callable[[Point, int], int]
"""The evaluation at which a seed gets to its top at a point; NEVER, or DIVERGED."""


def always(at: int) -> At:
    return lambda point, seed: at


def curve_of(pair: Pair, member: Member, point: Point, seed: int, at: int) -> Record[Seen]:
    """Return a training that jumps to its top at an evaluation, from a floor that creeps up."""
    steps = tuple(EVERY * (i + 1) for i in range(LAST))
    quality = tuple(0.9 if i + 1 >= at else 0.2 + 0.001 * i for i in range(LAST))
    learnt = {} if member == "baseline" else {"share": tuple(0.5 + 0.01 * i for i in range(LAST))}
    known: dict[str, Any] = {
        "curve_steps": steps,
        "curve_quality": quality,
        "test_quality": tuple(0.8 + 0.001 * (seed + task) for task in range(6)),
        "watched": learnt,
    }
    if at == DIVERGED:
        known = {"status": "not finite", "reason": "the result holds NaN"}
    words = f"@{words_of(point)}" if point else ""
    return dataclasses.replace(
        record(pair, "curve", member, seed, **known),
        point=point,
        block=f"{pair.name}/curve{words}/{member}/seed{seed}/round0",
    )


def trained(
    baseline: At, method: At, pair: Pair = SWEPT, seeds: Sequence[int] = SEEDS
) -> list[Record[Seen]]:
    """Train both members at every point; what a member shares between points stands once."""
    found: dict[str, Record[Seen]] = {}
    for point in pair.points:
        for member, at in zip(MEMBERS, (baseline, method), strict=True):
            for seed in seeds:
                part = pair.part_of(member, point)
                made = curve_of(pair, member, part, seed, at(part, seed))
                found.setdefault(made.block, made)
    return [*checked(pair), *found.values()]


def checked(pair: Pair) -> list[Record[Seen]]:
    """Return passed checks, of every setting that the pair's members have."""
    made = {}
    for point in pair.points:
        for each in checks(pair.at(point)):
            own = dataclasses.replace(each, block=f"{each.block}@{each.learner_settings}")
            made.setdefault((each.learner, each.learner_settings), own)
    return list(made.values())


def pair_of(
    records: list[Record[Seen]], pair: Pair = SWEPT, others: Sequence[Pair] = (AA,), **about: Any
) -> PairJudgement:
    claims = tuple(claim for claim in (UP_TO, LARGER) if claim.name in pair.claims)
    known: Mapping[str, Any] = {"pairs": (pair, *others), "claims": claims} | about
    return judged(records, **known).pairs[0]


def finding_of(records: list[Record[Seen]], pair: Pair = SWEPT, **about: Any) -> Finding:
    found: Finding = pair_of(records, pair, **about).studies["grid"]
    return found


def arm_of(records: list[Record[Seen]], pair: Pair = SWEPT, **about: Any) -> Arm:
    (arm,) = finding_of(records, pair, **about).arms
    return arm


def word(judged: PairJudgement, reading: str) -> str:
    (verdict,) = (verdict for verdict in judged.verdicts if verdict.reading == reading)
    return verdict.word
