"""The table of distances: how far from the exact gradient every approximation came."""

from __future__ import annotations

from dataclasses import replace

from harness.declare.suite import MEMBERS, Member, Pair
from harness.judge.judgement import Debt, Judgement
from harness.report.gradient import debt_cell
from harness.report.table import Cell, Column, Table, simple_table
from harness.report.units import count, significant
from harness.report.words import with_settings


def distance_table(judgement: Judgement) -> Table | None:
    """Return the least cosine and the largest distance of each learner that owes no exact one."""
    found: dict[str, Debt] = {}
    for judged in judgement.pairs:
        for member, debt in zip(MEMBERS, judged.debts, strict=False):
            if debt.passed is not None and debt.equivalence != "Exact":
                found.setdefault(_name(judged.pair, member, debt), debt)
    nearest = sorted(found.items(), key=lambda item: _distance(item[1]))
    return simple_table(
        "distances",
        "Distance to the exact gradient",
        "Between a learner's gradient and its family's oracle, over the random problems of its "
        "check: the least cosine of the angle and the largest relative error, where the oracle is "
        "what the family's learners approach. The nearest comes first.",
        (
            Column("Learner", 1.6),
            Column("Least cosine", 0.9, numeric=True),
            Column("Largest error", 0.9, numeric=True),
            Column("What it owes", 1.4),
        ),
        [
            (
                Cell(learner),
                Cell(significant(debt.cosine)),
                Cell(significant(debt.distance, 2)),
                replace(debt_cell(debt), note=""),
            )
            for learner, debt in nearest
        ],
    )


def _name(pair: Pair, member: Member, debt: Debt) -> str:
    name = with_settings(debt.learner, dict(pair.learner_settings(member)))
    ranks = pair.processes(member)
    return name if ranks == 1 else f"{name}, {count(ranks, 'rank')}"


def _distance(debt: Debt) -> float:
    return float("inf") if debt.distance is None else debt.distance
