"""The subjects of a gate: every learner of a suite with its settings, on its workload.

Where a pair sets two learners side by side on one tree, a gate sets one learner beside itself on
two trees. So a subject is a pair of a learner with itself: its baseline is what the base's tree
makes of it, and its method what the head's does, both with the ranks of the method.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from harness.declare.pair import MEMBERS, Pair, with_settings
from harness.declare.point import Scalar
from harness.declare.suite import Suite
from harness.records.seen import SPINE

SPINE_PASSES = frozenset(each.name for each in SPINE)
"""What trees of every version know; passes of studies a gate does not take."""


@dataclass(frozen=True)
class Subject:
    """A learner that is compared with itself on another tree."""

    learner: str
    workload: str
    learner_settings: dict[str, Scalar] = field(default_factory=dict)
    settings: dict[str, Scalar] = field(default_factory=dict)
    ranks: int = 1
    communicator: Literal["torch", "horovod"] = "torch"
    passes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        learner = with_settings(self.learner, self.learner_settings)
        team = f", {self.ranks} ranks by {self.communicator}" if self.ranks > 1 else ""
        return f"{learner} on {with_settings(self.workload, self.settings)}{team}"

    def pair(self) -> Pair:
        return Pair(
            name=self.name,
            baseline=self.learner,
            method=self.learner,
            workload=self.workload,
            differ="the tree that both are measured on",
            passes=tuple(name for name in self.passes if name in SPINE_PASSES),
            ranks=self.ranks,
            communicator=self.communicator,
            settings=self.settings,
            baseline_settings=self.learner_settings,
            method_settings=self.learner_settings,
        )


def subjects_of(suite: Suite) -> tuple[Subject, ...]:
    """Return the suite's subjects, each once, with the passes of all pairs that it is in."""
    found: dict[str, Subject] = {}
    for pair in suite.pair:
        for member in MEMBERS:
            subject = Subject(
                learner=pair.learner(member),
                workload=pair.workload,
                learner_settings=pair.learner_settings(member),
                settings=pair.settings,
                ranks=pair.processes(member),
                communicator=pair.communicator if pair.processes(member) > 1 else "torch",
            )
            known = found.get(subject.name, subject).passes
            passes = tuple(dict.fromkeys((*known, *pair.passes)))
            found[subject.name] = dataclasses.replace(subject, passes=passes)
    return tuple(found.values())
