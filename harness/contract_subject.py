"""The subject of the contract: a learner, and the problems of its family that it is put to."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import hypothesis

from harness.declare.equivalence import Exact
from harness.declare.learner import Learner
from harness.declare.problem import Problem, problems_for
from harness.declare.settings import build
from harness.registry import Entry, Registry

PROBLEMS = 6
DRAWN = 50


@dataclass(frozen=True)
class Subject:
    """A learner under contract. Whatever is asked of it is made anew."""

    entry: Entry
    registry: Registry
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def learner_class(self) -> Any:
        return self.entry.load()

    @property
    def family(self) -> Any:
        return self.registry.find(self.learner_class.family, "problems").load()

    @property
    def is_exact(self) -> bool:
        return isinstance(self.learner_class.equivalence, Exact)

    def problems(self) -> Sequence[Problem]:
        """Return the family's smallest problem, and those drawn that are the most unlike it."""
        return self._problems

    @cached_property
    def _problems(self) -> tuple[Problem, ...]:
        drawn: list[Problem] = []

        @hypothesis.settings(
            max_examples=DRAWN,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=(hypothesis.Phase.generate,),
        )
        @hypothesis.given(problems_for(self.family, self.learner_class, self.settings))
        def draw(problem: Problem) -> None:
            drawn.append(problem)

        draw()
        chosen = drawn[:1]
        while len(chosen) < min(PROBLEMS, len(drawn)):
            seen = set().union(*map(_combinations, chosen))
            chosen.append(max(drawn, key=lambda problem: len(_combinations(problem) - seen)))
        return tuple(chosen)

    def learner(self, problem: Problem) -> Learner:
        """Return a new learner, on a workload of its own: nothing is remembered in either."""
        workload = dataclasses.replace(problem.workload)
        made: Learner = build(self.learner_class, self.settings, self.entry.name, workload)
        return made

    def oracle(self, problem: Problem) -> Learner:
        oracle_class = self.registry.find(self.family.oracle, "baseline").load()
        made: Learner = oracle_class(dataclasses.replace(problem.workload))
        return made


def subject(
    name: str, plugins: tuple[str, ...] = (), settings: Mapping[str, Any] | None = None
) -> Subject:
    """Return the baseline or method of this name as a subject of the contract."""
    registry = Registry(plugins)
    return Subject(registry.find(name, "baseline", "method"), registry, settings or {})


def _combinations(problem: Problem) -> set[Any]:
    """Return every two settings that meet in a problem; of a number, whether it is above 1."""
    workload = problem.workload
    settings = {f.name: getattr(workload, f.name) for f in dataclasses.fields(workload)}
    traits = [
        (name, value if isinstance(value, bool | str) else value > 1)
        for name, value in settings.items()
        if isinstance(value, bool | str | int | float)
    ]
    return set(itertools.combinations(traits, 2))
