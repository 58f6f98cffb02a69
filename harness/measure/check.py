"""The check: what a learner's gradient owes to its family's oracle, collected on random problems.

The worst share of a tolerance that any comparison used, over all problems, decides. A failing
problem is shrunk to the smallest one that fails.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, assume, find, given, settings, target
from hypothesis.errors import Flaky, NoSuchExample

from harness.declare.equivalence import Held
from harness.declare.problem import Problem, problems_for
from harness.errors import HarnessError, MeasurementError, UsageError
from harness.measure.gradient_comparison import COMPARISONS, Comparison, Finding
from harness.registry import Entry, Registry
from harness.team.communicator import Alone, Communicator

ASKED = ("family", "equivalence", "corners", "workload_needed", "init", "meta_gradient")


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check."""

    name: str
    equivalence: str
    passed: bool
    worst: float
    worst_error: float
    tolerance: float
    worst_case: str
    held: Held  # what worst_error is
    errors: Mapping[str, float]  # of an Exact learner: the largest in "float64" and "float32"
    cosine: float  # least over all problems, to the oracle, where what is presumed holds; or NaN
    distance: float  # largest relative error over all problems, to the oracle, likewise
    examples: int

    def fields(self) -> dict[str, Any]:
        """Return the fields that a record keeps; an error that is not finite is unknown there."""
        kept = dataclasses.asdict(self)
        return _known({k: v for k, v in kept.items() if k not in ("name", "errors")})

    def to_json(self) -> str:
        about = {"name": self.name, "class": self.equivalence}
        return json.dumps(about | self.fields() | {"errors": _known(self.errors)}, allow_nan=False)


def check(
    entry: Entry,
    registry: Registry,
    examples: int,
    given_settings: Mapping[str, Any] | None = None,
    team: Communicator | None = None,
) -> CheckResult:
    """Hold a learner to its family's oracle on this many random problems.

    The ranks of a team share the learner's work on each problem. They draw the same ones, since
    all go by the worst that any of them found.
    """
    learner_class = entry.load()
    _require_learner(learner_class, entry, registry)
    family = registry.find(learner_class.family, "problems").load()
    comparison = Comparison(
        learner_class,
        registry.find(family.oracle, "baseline").load(),
        dict(given_settings or {}),
        getattr(family, "presumed", {}),
        team or Alone(),
    )
    drawn = problems_for(family, learner_class, comparison.settings)
    seen: list[tuple[Finding, Problem]] = []
    quiet = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.target),
    )

    raised: list[Exception] = []

    shared = comparison.team.size > 1

    def worst_of(problem: Problem) -> Finding | None:
        if raised and shared:  # the others may be in the middle of a sum, so nothing more is said
            raise raised[0]
        try:
            return comparison.worst_of_all(problem)
        except (HarnessError, ImportError) as error:
            raised.append(error)
            raise
        except (Exception, SystemExit) as error:  # who exits here would pass for having passed
            what = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            raised.append(MeasurementError(f"{entry.name} raised {what}, on: {problem}"))
            raise raised[-1] from error

    @quiet
    @given(drawn)
    def collect(problem: Problem) -> None:
        worst = worst_of(problem)
        assume(worst is not None)
        assert worst is not None
        seen.append((worst, problem))
        target(math.log10(max(min(worst.used, 1e30), 1e-30)))  # steer towards larger errors

    try:
        collect()
    except Flaky:  # it raised once, and not again
        raise raised[0] from None
    if not seen:
        raise UsageError(f"{entry.name}: the exact gradient was not finite on any problem drawn.")
    finding, problem = max(seen, key=lambda item: item[0].used)
    if finding.used > 1:
        failing = [(finding, problem)]

        def fails(smaller: Problem) -> bool:
            worst = worst_of(smaller)
            if worst is None or worst.used <= 1:
                return False
            failing.append((worst, smaller))
            return True

        # A learner that is wrong only now and then may not fail again: what was seen stands.
        with suppress(NoSuchExample, Flaky, MeasurementError):
            shrinking = settings(quiet, phases=(Phase.generate, Phase.shrink))
            find(drawn, fails, settings=shrinking)
        if raised and shared:
            raise raised[0]
        finding, problem = failing[-1]
    return CheckResult(
        name=entry.name,
        equivalence=learner_class.equivalence.label,
        passed=finding.used <= 1,
        worst=finding.used,
        worst_error=finding.error,
        tolerance=finding.tolerance,
        worst_case=f"{finding.what}: {problem}",
        held=finding.held,
        errors=comparison.errors,
        cosine=comparison.cosine,
        distance=comparison.distance,
        examples=len(seen),
    )


def _require_learner(learner_class: Any, entry: Entry, registry: Registry) -> None:
    missing = [name for name in ASKED if not hasattr(learner_class, name)]
    if missing:
        families = ", ".join(sorted(each.name for each in registry.entries("problems")))
        raise UsageError(
            f"{entry.owner}: class {learner_class.__name__} of {entry.name!r} is not a complete "
            f"learner: it lacks {', '.join(missing)}. Derive it from "
            f"harness.declare.learner.Learner or another learner, and set `family` to one of: "
            f"{families}."
        )
    if type(learner_class.equivalence) not in COMPARISONS:
        names = ", ".join(each.__name__ for each in COMPARISONS)
        raise UsageError(
            f"{entry.owner}: equivalence = {learner_class.equivalence!r} of class "
            f"{learner_class.__name__} must be one of {names}, as in `equivalence = Exact()`."
        )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with None for each that is not finite."""
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()
    }
