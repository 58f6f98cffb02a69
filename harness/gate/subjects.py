"""The subjects of a gate: every learner of a suite with its settings, on its workload.

Where a pair sets two learners side by side on one tree, a gate sets one learner beside itself on
two trees. So a subject is a pair of a learner with itself: its baseline is what the base's tree
makes of it, and its method what the head's does, both with the ranks of the method.
"""

from __future__ import annotations

import dataclasses

from harness.declare.pair import MEMBERS, Member, Pair, with_settings, workload_words
from harness.declare.suite import Suite
from harness.records.seen import SPINE

SPINE_PASSES = frozenset(each.name for each in SPINE)
"""What trees of every version know; passes of studies a gate does not take."""


def subjects_of(suite: Suite) -> tuple[Pair, ...]:
    """Return the suite's subjects, each once, with the passes of all pairs that it is in."""
    found: dict[str, Pair] = {}
    for pair in suite.pair:
        for member in MEMBERS:
            subject = _subject(pair, member)
            known = found.get(subject.name, subject).passes
            passes = tuple(dict.fromkeys((*known, *subject.passes)))
            found[subject.name] = dataclasses.replace(subject, passes=passes)
    return tuple(found.values())


def _subject(pair: Pair, member: Member) -> Pair:
    learner, settings = pair.learner(member), pair.learner_settings(member)
    ranks = pair.processes(member)
    team = f", {ranks} ranks by {pair.communicator}" if ranks > 1 else ""
    return Pair(
        name=f"{with_settings(learner, settings)} on {workload_words(pair)}{team}",
        baseline=learner,
        method=learner,
        workload=pair.workload,
        differ="the tree that both are measured on",
        passes=tuple(name for name in pair.passes if name in SPINE_PASSES),
        ranks=ranks,
        communicator=pair.communicator if ranks > 1 else "torch",
        settings=pair.settings,
        baseline_settings=settings,
        method_settings=settings,
    )
