"""Training in clusters: what it is with one cluster, what it trains on, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from baselines.hrnn_optimizer import HrnnOptimizer
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Learner
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import HarnessError, UsageError
from methods.clustered_hrnn import ClusteredHrnn
from methods.clustered_maml import ClusteredMaml
from suites.fewshot import Tasks
from suites.glyph_tasks import Glyphs5Way1Shot
from suites.maml_problems import RandomTasks
from suites.optimizee_lists import Optimizees
from tests.command import harness

DOUBLE = Place(dtype="float64")
SEED = 3
FEW_SHOT = RandomTasks(DOUBLE, meta_batch=8, inner_steps=1, inner_lr=0.4)
FUNCTIONS = Optimizees(
    DOUBLE, meta_batch=8, largest=60, steps=3, unrolls=2, runs=2, state="carry", meta_lr=1e-3
)
BOTH = [
    (ClusteredMaml, ReferenceMaml, FEW_SHOT),
    (ClusteredHrnn, HrnnOptimizer, FUNCTIONS),
]
BY = ["family", "signature", "objective", "behaviour"]


def trained(learner: Learner, workload: Any, steps: int) -> Any:
    state, losses = learner.init(SEED), []
    for index in range(steps):
        state, loss = learner.step(state, workload.train_batch(SEED, index))
        losses.append(loss)
    return state, losses


@pytest.mark.parametrize(("clustered", "plain", "workload"), BOTH)
def test_one_cluster_and_one_meta_update_are_the_baseline_to_the_bit(
    clustered: type[Learner], plain: type[Learner], workload: Any
) -> None:
    state, losses = trained(clustered(workload, clusters=1, updates=1), workload, 4)  # type: ignore[call-arg]
    owed, of_plain = trained(plain(workload), workload, 4)
    assert identical(losses, of_plain)
    assert identical(state, owed)


@pytest.mark.parametrize(
    ("clustered", "plain", "workload"),
    [
        (ClusteredMaml, ReferenceMaml, Glyphs5Way1Shot(DOUBLE, meta_batch=8, filters=4)),
        (ClusteredHrnn, HrnnOptimizer, replace(FUNCTIONS, unrolls=1, runs=1)),
    ],
)
def test_one_cluster_is_mixed_training_on_smaller_batches_to_the_bit(
    clustered: type[Learner], plain: type[Learner], workload: Any
) -> None:
    state, losses = trained(clustered(workload, clusters=1, updates=4), workload, 3)  # type: ignore[call-arg]
    smaller = replace(workload, meta_batch=2)
    owed, of_plain = trained(plain(smaller), smaller, 12)
    weights = [getattr(each, "outer", each).params for each in (state, owed)]
    assert identical(*weights)
    means = torch.stack(of_plain).view(3, 4).mean(1)
    torch.testing.assert_close(torch.stack(losses), means, rtol=1e-12, atol=0)


@dataclass(frozen=True)
class Watched:
    """Notes the tasks of every meta-update that a learner takes."""

    learner: Any
    seen: list[Any]

    def step(self, state: Any, batch: Any) -> Any:
        self.seen.append(batch)
        return self.learner.step(state, batch)


def watched(learner: Any) -> list[Any]:
    seen: list[Any] = []
    learner.__dict__["one"] = Watched(learner.one, seen)  # which is cached there
    return seen


@pytest.mark.parametrize("clusters", [1, 2, 5])
@pytest.mark.parametrize("updates", [5, 8])
@pytest.mark.parametrize(("clustered", "workload"), [(each[0], each[2]) for each in BOTH])
def test_every_task_is_trained_on_as_often_as_in_mixed_training(
    clustered: type[Learner], workload: Any, clusters: int, updates: int
) -> None:
    learner: Any = clustered(workload, clusters=clusters, updates=updates)  # type: ignore[call-arg]
    batch, state = workload.train_batch(SEED, 0), learner.init(SEED)
    seen = watched(learner)
    learner.step(state, batch)
    assert len(seen) == updates
    if isinstance(batch, Tasks):
        trained_on = torch.cat([part.query_x for part in seen]).flatten(1).sum(1)
        owed = batch.query_x.flatten(1).sum(1)
        assert identical(trained_on.sort().values, owed.sort().values)
    else:
        assert all(part.steps == batch.steps for part in seen)
        ids = sorted(id(task) for part in seen for task in part.tasks)
        assert ids == sorted(map(id, batch.tasks))


@pytest.mark.parametrize("by", BY)
def test_the_tasks_of_a_meta_update_are_alike(by: str) -> None:
    workload = replace(FUNCTIONS, meta_batch=16, list="two_numbers")
    learner: Any = ClusteredHrnn(workload, clusters=8, updates=12, by=by)  # type: ignore[arg-type]
    batch = workload.train_batch(SEED, 0)
    labels = learner.labels(learner.init(SEED), batch)
    keys = {
        "family": [task.family for task in batch.tasks],
        "signature": batch.layouts,
        "objective": [task.objective for task in batch.tasks],
    }
    if by == "signature":
        assert set(labels) == {0}  # all of them have two numbers
    elif by == "behaviour":
        assert 1 < len(set(labels)) <= 8
    else:
        own = [label for label in set(labels) if label < 7]
        for label in own:
            found = {k for k, each in zip(keys[by], labels, strict=True) if each == label}
            assert len(found) == 1


@pytest.mark.parametrize("features", ["gradient", "loss", "both"])
@pytest.mark.parametrize(("clustered", "workload"), [(each[0], each[2]) for each in BOTH])
def test_clusters_stay_whatever_the_order_of_the_tasks(
    clustered: type[Learner], workload: Any, features: str
) -> None:
    learner: Any = clustered(workload, clusters=3, features=features)  # type: ignore[call-arg]
    state, batch = learner.init(SEED), workload.train_batch(SEED, 0)
    order = [3, 1, 7, 0, 2, 6, 5, 4]
    _, shuffled = learner.part(replace_labels(state, len(order)), batch, order)
    labels = learner.labels(state, batch)
    assert len(set(labels)) == 3
    assert learner.labels(state, shuffled) == tuple(labels[task] for task in order)


def replace_labels(state: Any, tasks: int) -> Any:
    return replace(state, labels=(0,) * tasks) if hasattr(state, "labels") else state


def test_clusters_of_a_run_stay_for_all_of_its_unrolls_and_a_new_run_has_its_own() -> None:
    workload = replace(FUNCTIONS, unrolls=3)
    learner = ClusteredHrnn(workload, clusters=3)
    state, labels = learner.init(SEED), []
    for index in range(6):
        state, _ = learner.step(state, workload.train_batch(SEED, index))
        labels.append(state.labels)
    assert labels[0] == labels[1] == labels[2]
    assert labels[3] == labels[4] == labels[5]
    fresh = learner.labels(learner.init(SEED), workload.train_batch(SEED, 3))
    assert labels[3] == fresh


def test_glyphs_that_behave_alike_are_clustered_by_the_weights_so_far() -> None:
    learner = ClusteredMaml(FEW_SHOT, clusters=3)
    state, batch = learner.init(SEED), FEW_SHOT.train_batch(SEED, 0)
    later = state
    for _ in range(20):
        later, _ = learner.step(later, batch)
    assert learner.labels(later, batch) != learner.labels(state, batch)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clusters": 9}, "clusters = 9, and a batch has 8 tasks. Set clusters from 1 to 8"),
        ({"clusters": 0}, "clusters = 0"),
        ({"clusters": 4, "updates": 3}, "Set updates from 4 to 8"),
        ({"clusters": 1, "updates": 9}, "updates = 9"),
        ({"inner": "rnn_optimizer"}, "inner=rnn_optimizer: an implementation of rnn"),
    ],
)
@pytest.mark.parametrize(("clustered", "workload"), [(each[0], each[2]) for each in BOTH])
def test_what_cannot_be_is_refused(
    clustered: type[Learner], workload: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        clustered(workload, **settings)


def test_a_smaller_batch_than_the_workload_s_is_refused_as_well() -> None:
    learner = ClusteredMaml(FEW_SHOT, clusters=4)
    with pytest.raises(UsageError, match="clusters = 4, and a batch has 3 tasks"):
        learner.step(learner.init(SEED), FEW_SHOT.tasks(SEED, "train", 0, 3))


def test_a_later_unroll_without_the_one_before_it_is_refused() -> None:
    learner = ClusteredHrnn(FUNCTIONS)
    with pytest.raises(HarnessError, match="goes on from the unroll before it"):
        learner.step(learner.init(SEED), FUNCTIONS.train_batch(SEED, 1))


SUITE = """
name = "many"
summary = "More clusters than tasks"
verdicts = false
[[pair]]
name = "many"
baseline = "reference_maml"
method = "clustered_maml"
workload = "sinusoid"
differ = "which tasks share a meta-update"
passes = ["step"]
settings = {{ meta_batch = 4 }}
method_settings = {{ clusters = {clusters} }}
"""


def test_more_clusters_than_tasks_end_a_run_before_it_starts(tmp_path: Any) -> None:
    suite = tmp_path / "many.toml"
    suite.write_text(SUITE.format(clusters=5))
    done = harness("run", f"suite={suite}", f"out={tmp_path / 'run'}")
    assert done.returncode == 2
    assert "clusters = 5, and a batch has 4 tasks. Set clusters from 1 to 4" in done.stderr
    assert "Traceback" not in done.stderr
