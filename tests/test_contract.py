from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch

from harness import contract
from harness.declare.tree import leaves
from harness.errors import Absent, PeerMissing
from harness.registry import Registry

BROKEN = Path(__file__).with_name("broken_learners.py")
LEARNERS = [e.name for kind in ("baseline", "method") for e in Registry().entries(kind)]
# A compilation takes most of a minute, and each clause makes learners anew. The gradient is what
# compiling could change: tests/methods/test_hrnn_ladder.py holds it to the oracle's. The clauses
# hold of the same class uncompiled.
COMPILES = ("hrnn_compiled",)
FAMILIES = [e.name for e in Registry().entries("problems")]


subject_of = functools.cache(contract.subject)  # so that its problems are drawn once


@functools.cache
def broken(name: str) -> contract.Subject:
    return contract.subject(name, plugins=(str(BROKEN),))


@pytest.mark.parametrize("clause", contract.CLAUSES, ids=contract.title)
@pytest.mark.parametrize("name", [name for name in LEARNERS if name not in COMPILES])
def test_every_baseline_and_method_keeps_the_contract(
    name: str, clause: contract.Clause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "EXAMPLES", 10)  # each one's own tests take many more
    subject = subject_of(name)
    try:
        subject.learner(subject.problems()[0])  # its class, or what it is made with, needs a peer
    except PeerMissing as missing:
        pytest.skip(str(missing))
    clause(subject)


@pytest.mark.parametrize(
    ("clause", "name", "message"),
    [
        (contract.weights_start_as_everywhere, "starts_elsewhere", "lacks the workload's"),
        (contract.weights_start_as_everywhere, "starts_alike", "ignores the seed"),
        (contract.tasks_are_the_same_everywhere, "has_own_tasks", "tasks are others"),
        (contract.arguments_are_left_alone, "changes_state", "step changes the state"),
        (contract.arguments_are_left_alone, "leaves_gradients", "changes the state"),
        (contract.arguments_are_left_alone, "changes_batch", "adapt changes the batch"),
        (contract.global_generators_are_left_alone, "draws_from_torch", "step touches"),
        (contract.global_generators_are_left_alone, "draws_from_numpy", "evaluate touches"),
        (contract.global_generators_are_left_alone, "draws_from_python", "init touches"),
        (contract.gradient_is_what_is_owed, "is_inexact", "not Exact: error 1e-05, allowed"),
        (contract.training_follows_the_gradient, "steps_otherwise", "losses leave the oracle's"),
        (contract.training_follows_the_gradient, "reports_another_loss", "not its gradient's"),
        (contract.training_follows_the_gradient, "evaluates_otherwise", "quality is not the or"),
        (contract.runs_repeat_to_the_bit, "remembers_steps", "again in the same instance differs"),
        (contract.runs_repeat_to_the_bit, "seeds_by_the_world", "generators' seeds"),
        (contract.looking_changes_nothing, "learns_from_evaluation", "looking changes"),
        (contract.answers_have_their_shapes, "holds_its_graph", "holds its graph"),
        (contract.answers_have_their_shapes, "averages_quality", "quality has shape"),
        (contract.answers_have_their_shapes, "returns_losses", "step's loss has shape"),
        (contract.answers_have_their_shapes, "renames_gradients", "lacks names of the oracle's"),
        (contract.answers_have_their_shapes, "gradients_in_float32", "float32"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_clause_finds_who_breaks_it(clause: contract.Clause, name: str, message: str) -> None:
    with pytest.raises(contract.Broken, match=message):
        clause(broken(name))


def test_every_clause_has_been_seen_to_fail() -> None:
    marks = test_a_clause_finds_who_breaks_it.pytestmark  # type: ignore[attr-defined]
    assert {clause for clause, *_ in marks[0].args[1]} == set(contract.CLAUSES)


def fingerprints() -> dict[str, str]:
    """Return a word for what every workload that can be loaded here is made of."""
    registry, found = Registry(), {}
    for entry in registry.entries("workload"):
        with contextlib.suppress(Absent):  # a package, or a set of data
            workload = entry.load()()
            made_of = [
                workload.initial(7),
                workload.train_batch(7, 0),
                workload.eval_batch(7, "test", 1, 2),
            ]
            tensors = b"".join(leaf.detach().numpy().tobytes() for leaf in leaves(made_of))
            found[entry.name] = hashlib.sha256(tensors).hexdigest()
    return found


def test_another_process_sees_the_same_weights_and_tasks() -> None:
    program = "import json, test_contract; print(json.dumps(test_contract.fingerprints()))"
    folders = os.pathsep.join(str(folder) for folder in BROKEN.parents[:2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "PYTHONPATH": folders, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == fingerprints()


def test_settings_reach_the_learner() -> None:
    subject = contract.subject("batched_maml", settings={"chunk": 1})
    learner = subject.learner(subject.problems()[0])
    assert learner.chunk == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_s_problems_show_every_switch_both_ways_and_are_always_the_same(
    name: str,
) -> None:
    learners = [n for n in LEARNERS if subject_of(n).learner_class.family == name]
    # Drawn anew: hypothesis also draws numbers that the modules loaded so far hold.
    first, last = contract.subject(learners[0]), contract.subject(learners[-1])
    problems = first.problems()
    for field in dataclasses.fields(problems[0].workload):
        values = {getattr(problem.workload, field.name) for problem in problems}
        assert len(values) > 1 or not isinstance(values.pop(), bool), field.name
    assert problems == last.problems()


def test_running_the_clauses_leaves_the_global_generators_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contract, "EXAMPLES", 2)

    def states() -> list[str]:
        kind, words, *rest = numpy.random.get_state()  # noqa: NPY002  # it is watched, not used
        return [str(torch.get_rng_state().tolist()), str([kind, *words, *rest, random.getstate()])]

    subject = contract.subject("reference_maml")
    problems = subject.problems()[:1]
    monkeypatch.setattr(contract.Subject, "problems", lambda subject: problems)
    before = states()
    for clause in contract.CLAUSES:
        clause(subject)
    assert states() == before
