"""A learner's gradient beside the oracle's on one problem, held to what its equivalence owes.

Every comparison ends as the share of its tolerance that it used.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.declare.equivalence import Approximate, Equivalence, Exact, Held, InTheLimit
from harness.declare.learner import Gradient, Learner
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import all_finite, leaves, relative_error
from harness.team.aggregation import told_by_all
from harness.team.communicator import Communicator

ROUNDING = 1e-8  # an error below this can't show at what order it falls

ORDER_SLACK = 0.5

MET = 2  # batches of tasks that a learner has met when it is last held to its own definition

# Relative, a step. The oracle's own float32 error is mostly 2e-7, but rounding now and then takes a
# learner to the other side of a kink where the oracle stays: 5e-5 a step, in 200 problems of MAML.
FLOAT32_FLOOR = 2e-5


@dataclass(frozen=True)
class Finding:
    """One comparison on one problem."""

    what: str
    error: float
    tolerance: float
    held: Held = "error"

    @property
    def used(self) -> float:
        """The share of the tolerance that was used; above 1 the comparison failed."""
        return self.error / self.tolerance if math.isfinite(self.error) else math.inf


@dataclass
class Comparison:
    """A learner beside the oracle; remembers the farthest that it was from it."""

    learner_class: Any
    oracle_class: Any
    settings: dict[str, Any]
    presumed: Mapping[str, Any]
    team: Communicator
    cosine: float = 1.0
    distance: float = 0.0
    errors: dict[str, float] = field(default_factory=dict)

    def worst(self, problem: Problem) -> Finding | None:
        """Return the comparison that used most of its tolerance; none where training diverges."""
        owed = self.oracle(problem)
        if not all_finite(owed):
            return None
        found = self.gradient(problem)
        self.look(*(self.both_at(problem, self.presumed) if self.presumed else (found, owed)))
        equivalence: Equivalence = self.learner_class.equivalence
        findings = COMPARISONS[type(equivalence)](self, equivalence, problem, found, owed)
        findings += [self.at_corner(problem, corner) for corner in self.learner_class.corners]
        return max(findings, key=lambda finding: finding.used)

    def worst_of_all(self, problem: Problem) -> Finding | None:
        """Return the worst that any rank found."""
        worst = self.worst(problem)
        told = told_by_all(self.team, worst and dataclasses.astuple(worst))
        if None in told:
            return None
        return max((Finding(*each) for each in told), key=lambda finding: finding.used)

    def gradient(self, problem: Problem, **settings: Any) -> Gradient:
        own = self.settings | settings
        return _gradient_of(self.learner_class, problem.shared_by(self.team), own)

    def oracle(self, problem: Problem) -> Gradient:
        return _gradient_of(self.oracle_class, problem, {})

    def look(self, found: Gradient, owed: Gradient) -> None:
        """Take in how far a gradient is from the oracle's, in what the oracle learns too."""
        shared = {name: value for name, value in found.grads.items() if name in owed.grads}
        found = Gradient(found.loss, shared)
        self.distance = max(self.distance, _error(found, owed))
        cosine = _cosine(found.grads, owed.grads)
        # Python's min would keep the number beside a NaN.
        unknown = math.isnan(cosine) or math.isnan(self.cosine)
        self.cosine = math.nan if unknown else min(self.cosine, cosine)

    def both_at(self, problem: Problem, settings: Mapping[str, Any]) -> tuple[Gradient, Gradient]:
        """Return the learner's gradient and the oracle's at these settings of either."""
        there, own = _split(problem, settings)
        return self.gradient(there, **own), self.oracle(there)

    def defined(self, named: str) -> Callable[..., Any]:
        """Return a function of a definition, which may stand in the learner's own module."""
        module, _, name = named.rpartition(":")
        owner = importlib.import_module(module or self.learner_class.__module__)
        function: Callable[..., Any] = getattr(owner, name)
        return function

    def at_corner(self, problem: Problem, corner: dict[str, Any]) -> Finding:
        """Compare where the learner must fall back to the oracle."""
        there, _ = _split(problem, corner)
        error = _error(*self.both_at(problem, corner))
        words = " ".join(f"{k}={v}" for k, v in corner.items())
        return Finding(f"corner {words}", error, Exact().float64 * there.inner_steps)


def _split(problem: Problem, settings: Mapping[str, Any]) -> tuple[Problem, dict[str, Any]]:
    """Make the settings named "workload.*" on the problem; return it and the learner's own."""
    of_workload = {k.removeprefix("workload."): v for k, v in settings.items() if "." in k}
    return problem.with_settings(**of_workload), {k: v for k, v in settings.items() if "." not in k}


def _exact(
    self: Comparison, declared: Exact, problem: Problem, found: Gradient, owed: Gradient
) -> list[Finding]:
    single = problem.in_float32()
    own = _error(self.oracle(single), owed)  # what float32 costs the oracle itself
    floor = FLOAT32_FLOOR * problem.inner_steps
    findings = [
        Finding("float64", _error(found, owed), declared.float64 * problem.inner_steps),
        Finding("float32", _error(self.gradient(single), owed), declared.float32 * max(own, floor)),
    ]
    for finding in findings:
        self.errors[finding.what] = max(self.errors.get(finding.what, 0.0), finding.error)
    return findings


def _in_the_limit(
    self: Comparison, declared: InTheLimit, problem: Problem, found: Gradient, owed: Gradient
) -> list[Finding]:
    errors = []
    place = problem
    for value in declared.values:
        there, own = _split(problem, {**self.presumed, declared.knob: value})
        if there != place:
            place, owed = there, self.oracle(there)
        errors.append(_error(self.gradient(there, **own), owed))
    near = errors[-1]
    if not math.isfinite(max(errors)):
        return [Finding(f"{declared.knob} in {declared.values}", math.inf, ROUNDING)]
    if near <= ROUNDING:
        return [Finding(f"{declared.knob}={declared.values[-1]}", near, ROUNDING)]
    if declared.factor is not None:
        return [_geometric(declared.knob, declared.values, declared.factor, errors)]
    assert declared.order is not None  # the other law
    far = max(errors[0], ROUNDING)
    order = math.log(far / near) / abs(math.log(declared.values[0] / declared.values[-1]))
    missing = max(0.0, declared.order - order)
    return [
        Finding(f"order {order:.2f} of {declared.order}", missing, ORDER_SLACK, "missing order")
    ]


def _geometric(knob: str, values: tuple[float, ...], factor: float, errors: list[float]) -> Finding:
    """Compare the mean factor from the largest error on: the first may be small by luck."""
    far = errors.index(max(errors))
    span = abs(values[-1] - values[far])
    found = (errors[-1] / errors[far]) ** (1 / span) if span else 1.0
    return Finding(f"factor {found:.3g} a unit of {knob}", found, factor, "factor")


def _approximate(
    self: Comparison, declared: Approximate, problem: Problem, found: Gradient, owed: Gradient
) -> list[Finding]:
    """Hold the first meta-steps to the definition: in the first one nothing is remembered yet."""
    workload = problem.shared_by(self.team).workload
    learner: Learner = build(self.learner_class, self.settings, self.learner_class.name, workload)
    state, allowed = learner.init(problem.seed), declared.float64 * problem.inner_steps
    findings: list[Finding] = []
    for number in range(MET + 1):
        batch = problem.workload.train_batch(problem.seed, number)
        defined = self.defined(declared.definition)(learner, state, batch)
        if number > 0:
            if not all_finite(defined):  # training has diverged
                break
            found = learner.meta_gradient(state, batch)
        errors = {"own definition": _error(found, defined)}
        if declared.adaptation is not None:
            adapted = self.defined(declared.adaptation)(learner, state, batch)
            error = relative_error(_numbered(learner.adapt(state, batch)), _numbered(adapted))
            errors["own adaptation"] = math.inf if math.isnan(error) else error
        after = f" after {number} meta-step{'s' * (number > 1)}" if number else ""
        findings += [Finding(what + after, error, allowed) for what, error in errors.items()]
        if number < MET:
            state, _ = learner.step(state, batch)
    return findings


def _numbered(tree: Any) -> dict[str, Tensor]:
    return {str(number): leaf.detach() for number, leaf in enumerate(leaves(tree))}


COMPARISONS: dict[type[Equivalence], Callable[..., list[Finding]]] = {
    Exact: _exact,
    InTheLimit: _in_the_limit,
    Approximate: _approximate,
}


def _gradient_of(learner_class: Any, problem: Problem, settings: dict[str, Any]) -> Gradient:
    learner: Learner = build(learner_class, settings, learner_class.name, problem.workload)
    batch = problem.workload.train_batch(problem.seed, 0)
    return learner.meta_gradient(learner.init(problem.seed), batch)


def _error(found: Gradient, owed: Gradient) -> float:
    """Return the larger relative error of the gradient and of the loss, in float64."""
    pairs = [(found.grads, owed.grads), ({"loss": found.loss}, {"loss": owed.loss})]
    errors = [relative_error(_double(a), _double(b)) for a, b in pairs]
    return math.inf if any(math.isnan(error) for error in errors) else max(errors)


def _cosine(found: Mapping[str, Tensor], owed: Mapping[str, Tensor]) -> float:
    if {n: t.shape for n, t in found.items()} != {n: t.shape for n, t in owed.items()}:
        return math.nan  # no angle between gradients by different parameters
    a = torch.cat([found[name].double().flatten() for name in owed])
    b = torch.cat([value.double().flatten() for value in owed.values()])
    lengths = float(a.norm() * b.norm())
    if lengths == 0:
        return 1.0 if torch.equal(a, b) else math.nan
    return float(a @ b) / lengths


def _double(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().double() for name, value in tensors.items()}
