"""The contract of a learner, in clauses that its author can run on it.

    import pytest
    from harness import contract

    @pytest.mark.parametrize("clause", contract.CLAUSES, ids=contract.title)
    def test_it_keeps_the_contract(clause):
        clause(contract.subject("my_method", plugins=("my_method.py",)))

A clause puts learners of the subject's class to small problems of its family, in float64, and
raises Broken with what it saw. A method that an installed package announces needs no `plugins`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import torch
from torch import Tensor

from harness.contract_subject import Subject, subject
from harness.declare.learner import Learner, workload_of
from harness.declare.problem import Problem
from harness.declare.tree import leaves
from harness.measure.check import check

__all__ = ["CLAUSES", "Broken", "Clause", "Subject", "subject", "title"]

EXAMPLES = 20
STEPS = 3
TASKS = 3
ROUNDING = 1e-6  # relative, on what a few steps of training lead to in float64

Clause = Callable[[Subject], None]
Operation = tuple[str, Callable[[Any, Any], Any], Any]


class Broken(AssertionError):
    """A learner does not keep a clause."""


def title(clause: Clause) -> str:
    """Return what a clause asks for, in words."""
    return clause.__name__.replace("_", " ")


def weights_start_as_everywhere(subject: Subject) -> None:
    """The first weights are the workload's and the oracle's, and depend on the seed alone."""
    for problem in subject.problems():
        learner, seed = subject.learner(problem), problem.seed
        state = learner.init(seed)
        _require(_same(state, learner.init(seed)), problem, "init differs when it is repeated")
        other = subject.learner(problem).init(seed)
        _require(_same(state, other), problem, "init differs in another instance")
        _require(not _same(state, learner.init(seed + 1)), problem, "init ignores the seed")
        of_oracle = subject.oracle(problem).init(seed)
        for name, weight in problem.workload.initial(seed).items():
            for owner, holder in (("the", state), ("the oracle's", of_oracle)):
                found = any(_same(weight, leaf) for leaf in leaves(holder))
                _require(found, problem, f"{owner} first state lacks the workload's {name!r}")


def tasks_are_the_same_everywhere(subject: Subject) -> None:
    """The learner is given the workload's tasks, and still is after it has worked on some."""
    for problem in subject.problems():
        learner, seed = subject.learner(problem), problem.seed
        owed = _tasks(problem.workload, seed)
        _require(_same(owed, _tasks(workload_of(learner), seed)), problem, "its tasks are others")
        _train(learner, seed)
        for workload in (workload_of(learner), problem.workload):
            _require(_same(owed, _tasks(workload, seed)), problem, "its work changes the tasks")


def arguments_are_left_alone(subject: Subject) -> None:
    """No operation changes a bit of the state or of the batch that it is given."""
    for problem in subject.problems():
        learner = subject.learner(problem)
        state, _ = _train(learner, problem.seed)
        for name, operate, batch in _operations(learner, problem.seed, STEPS):
            before = _bits(state), _bits(batch)
            operate(state, batch)
            _require(before[0] == _bits(state), problem, f"{name} changes the state given to it")
            _require(before[1] == _bits(batch), problem, f"{name} changes the batch given to it")


def global_generators_are_left_alone(subject: Subject) -> None:
    """Nothing draws from the global generators of torch, NumPy and Python, or seeds them."""
    for problem in subject.problems():
        before = _generators()
        learner = subject.learner(problem)
        state = learner.init(problem.seed)
        _require(before == _generators(), problem, "init touches a global generator")
        for name, operate, batch in _operations(learner, problem.seed, 0):
            before = _generators()
            operate(state, batch)
            _require(before == _generators(), problem, f"{name} touches a global generator")


def gradient_is_what_is_owed(subject: Subject) -> None:
    """The meta-gradient is to the oracle's what the learner's equivalence class says."""
    result = check(subject.entry, subject.registry, EXAMPLES, subject.settings)
    if not result.passed:
        raise Broken(
            f"the meta-gradient is not {result.equivalence}: {result.held} "
            f"{result.worst_error:.2g}, allowed {result.tolerance:.2g}, at {result.worst_case}"
        )


def training_follows_the_gradient(subject: Subject) -> None:
    """A step's loss is its gradient's; if Exact, training and its quality are the oracle's."""
    for problem in subject.problems():
        learner, oracle, seed = subject.learner(problem), subject.oracle(problem), problem.seed
        state, owed = learner.init(seed), oracle.init(seed)
        for index in range(STEPS):
            batch = problem.workload.train_batch(seed, index)
            of_gradient = learner.meta_gradient(state, batch).loss
            state, loss = learner.step(state, batch)
            _require(_close(loss, of_gradient), problem, "a step's loss is not its gradient's")
            if subject.is_exact:
                owed, of_oracle = oracle.step(owed, batch)
                _require(_close(loss, of_oracle), problem, "its losses leave the oracle's")
        if subject.is_exact:
            batch = problem.workload.eval_batch(seed, "valid", 0, TASKS)
            close = _close(learner.evaluate(state, batch), oracle.evaluate(owed, batch))
            _require(close, problem, "its quality is not the oracle's")


def runs_repeat_to_the_bit(subject: Subject) -> None:
    """Training again gives the same bits: in this instance or another, whatever is seeded."""
    for problem in subject.problems():
        learner = subject.learner(problem)
        first = _train(learner, problem.seed)
        _train(learner, problem.seed + 1)
        again = _train(learner, problem.seed)
        _require(_same(first, again), problem, "training again in the same instance differs")
        other = _train(subject.learner(problem), problem.seed)
        _require(_same(first, other), problem, "training in another instance differs")
        with _otherwise_seeded():
            seeded = _train(subject.learner(problem), problem.seed)
        _require(_same(first, seeded), problem, "training depends on the global generators' seeds")


def looking_changes_nothing(subject: Subject) -> None:
    """Gradients, adaptation and evaluation between the steps leave training as it was without."""
    for problem in subject.problems():
        learner, seed = subject.learner(problem), problem.seed
        state, losses = learner.init(seed), []
        for index in range(STEPS):
            for name, operate, batch in _operations(learner, seed, index):
                if name != "step":
                    operate(state, batch)
            state, loss = learner.step(state, workload_of(learner).train_batch(seed, index))
            losses.append(loss)
        undisturbed = _train(subject.learner(problem), seed)
        _require(_same(undisturbed, (state, losses)), problem, "looking changes the training")


def answers_have_their_shapes(subject: Subject) -> None:
    """A loss is a number, quality is one a task, a gradient has the oracle's names and shapes.

    A learner that learns more than the oracle has further names in it.
    """
    for problem in subject.problems():
        learner, oracle, seed = subject.learner(problem), subject.oracle(problem), problem.seed
        state, batch = learner.init(seed), problem.workload.train_batch(seed, 0)
        owed = oracle.meta_gradient(oracle.init(seed), batch).grads
        found = learner.meta_gradient(state, batch)
        after, loss = learner.step(state, batch)
        quality = learner.evaluate(after, problem.workload.eval_batch(seed, "valid", 0, TASKS))
        for name, answer, shape in (
            ("the gradient's loss", found.loss, ()),
            ("a step's loss", loss, ()),
            ("the quality", quality, (TASKS,)),
        ):
            seen = tuple(answer.shape)
            _require(seen == shape, problem, f"{name} has shape {seen}, not {shape}")
        lacking = sorted(set(owed) - set(found.grads))
        _require(not lacking, problem, f"the gradient lacks names of the oracle's: {lacking}")
        for name, gradient in owed.items():
            kind = _kind(found.grads[name])
            _require(kind == _kind(gradient), problem, f"the gradient of {name!r} is {kind}")
        graphs = [t.grad_fn for t in leaves([found.loss, found.grads, loss, after, quality])]
        _require(not any(graphs), problem, "what is returned still holds its graph")


CLAUSES: tuple[Clause, ...] = (
    weights_start_as_everywhere,
    tasks_are_the_same_everywhere,
    arguments_are_left_alone,
    global_generators_are_left_alone,
    gradient_is_what_is_owed,
    training_follows_the_gradient,
    runs_repeat_to_the_bit,
    looking_changes_nothing,
    answers_have_their_shapes,
)


def _train(learner: Learner, seed: int) -> tuple[Any, list[Tensor]]:
    """Take the first steps; return the state after them and the losses of each."""
    state, losses = learner.init(seed), []
    for index in range(STEPS):
        state, loss = learner.step(state, workload_of(learner).train_batch(seed, index))
        losses.append(loss)
    return state, losses


def _operations(learner: Learner, seed: int, index: int) -> Iterator[Operation]:
    """Yield all that can be done with the state after so many steps, and a batch to do it with."""
    workload = workload_of(learner)
    for name in ("step", "meta_gradient", "adapt"):  # adaptation too is timed on training batches
        yield name, getattr(learner, name), workload.train_batch(seed, index)
    yield "evaluate", learner.evaluate, workload.eval_batch(seed, "valid", 0, TASKS)


def _tasks(workload: Any, seed: int) -> list[Any]:
    trained_on = [workload.train_batch(seed, index) for index in (1, 0)]
    return trained_on + [workload.eval_batch(seed, split, 0, TASKS) for split in ("valid", "test")]


def _bits(tree: Any) -> list[Any]:
    """Return all of a tree's tensors that an owner could find changed."""
    return [
        (
            *_kind(tensor),
            tensor.requires_grad,
            None if tensor.grad is None or not tensor.is_leaf else _bits(tensor.grad),
            tensor.detach().cpu().contiguous().numpy().tobytes(),
        )
        for tensor in leaves(tree)
    ]


def _same(left: Any, right: Any) -> bool:
    return _bits(left) == _bits(right)


def _close(found: Tensor, owed: Tensor) -> bool:
    return torch.allclose(found, owed, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)


def _kind(tensor: Tensor) -> tuple[Any, ...]:
    return tuple(tensor.shape), str(tensor.dtype), str(tensor.device)


def _require(kept: bool, problem: Problem, otherwise: str) -> None:
    if not kept:
        raise Broken(f"{otherwise}, on {problem}")


def _generators() -> tuple[Any, ...]:
    """Return the states of the global generators in a form that can be compared."""
    of_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    of_torch = [state.numpy().tobytes() for state in (torch.get_rng_state(), *of_gpus)]
    of_numpy = numpy.random.get_state(legacy=False)  # noqa: NPY002  # watched, not used
    words = of_numpy["state"].pop("key").tobytes()
    return of_torch, of_numpy, words, random.getstate()


@contextmanager
def _otherwise_seeded() -> Iterator[None]:
    """Seed the global generators in a way of our own, and put them back afterwards."""
    of_numpy, of_python = numpy.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            torch.manual_seed(2110)
            numpy.random.seed(2110)  # noqa: NPY002
            random.seed(2110)
            yield
        finally:
            numpy.random.set_state(of_numpy)  # noqa: NPY002
            random.setstate(of_python)
