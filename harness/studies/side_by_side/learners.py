"""What a pass left of every learner, whatever pairs it was in."""

from __future__ import annotations

from typing import TypeVar

from harness.declare.pair import MEMBERS, Member, Pair, with_settings, workload_words
from harness.declare.passes import Pass, Seen
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.records.record import Record

S = TypeVar("S", bound=Seen)

FEWEST = 3
"""Learners on a workload from which on a table of them says more than their pairs do."""

Known = dict[str, tuple[Record[S], S]]
"""What was seen of a learner, by what tells one block from another."""

Found = dict[str, dict[str, Known[S]]]
"""By workload and by learner."""


def learner_of(pair: Pair, member: Member) -> str:
    """Name a learner with its own settings."""
    return with_settings(pair.learner(member), pair.learner_settings(member))


def by_learner(judgement: Judgement, evidence: Evidence, known: Pass[S]) -> Found[S]:
    """Return what a pass left of every learner.

    One that several pairs share is counted with all its timed blocks, but once with every seed of
    a pass that gives the same whenever it is repeated.
    """
    found: Found[S] = {}
    for judged in judgement.pairs:
        pair = judged.pair
        if pair.ranks > 1:
            continue
        for member in MEMBERS:
            learner = learner_of(pair, member)
            for record, seen in evidence.usable(pair, known, member):
                block = record.block if known.clocked else str(record.seed)
                mine = found.setdefault(workload_words(pair), {}).setdefault(learner, {})
                mine.setdefault(block, (record, seen))
    return found
