"""Clusters and the meta-batches dealt from them, held to naive definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from methods.task_clusters import (
    Labels,
    by_features,
    by_key,
    k_means,
    lloyd,
    meta_batches,
    scatter,
    spread_centres,
    standardised,
)

NUMBERS = st.integers(-20, 20).map(lambda number: number / 4)  # sums of them have no rounding
POINTS = st.integers(1, 12).flatmap(lambda tasks: arrays(np.float64, (tasks, 2), elements=NUMBERS))
LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=24)
MOST = 6


def naive_lloyd(points: list[list[float]], centres: list[list[float]]) -> list[int]:
    """K-means by its definition, one number after another."""
    labels: list[int] = []
    for _ in range(1000):
        before = labels
        labels = []
        for point in points:
            gaps = [sum((a - b) ** 2 for a, b in zip(point, c, strict=True)) for c in centres]
            labels.append(gaps.index(min(gaps)))
        if labels == before:
            return labels
        for number in range(len(centres)):
            own = [point for point, label in zip(points, labels, strict=True) if label == number]
            if own:
                centres[number] = [sum(column) / len(own) for column in zip(*own, strict=True)]
    raise AssertionError("it never comes to rest")


def least_scatter(points: np.ndarray, clusters: int) -> float:
    """Return the least scatter of all partitions into at most so many clusters."""
    every = itertools.product(range(clusters), repeat=len(points))
    return min(scatter(points, np.array(labels)) for labels in every)


def partition(labels: Labels, tasks: list[int]) -> set[frozenset[int]]:
    """Return the clusters as sets of tasks, given which task each label is of."""
    found: dict[int, set[int]] = {}
    for task, label in zip(tasks, labels, strict=True):
        found.setdefault(label, set()).add(task)
    return {frozenset(each) for each in found.values()}


@given(POINTS, st.integers(1, MOST), st.integers(0, 99))
def test_a_run_of_k_means_is_the_naive_one(points: np.ndarray, clusters: int, seed: int) -> None:
    centres = spread_centres(points, clusters, np.random.default_rng(seed))
    assert lloyd(points, centres).tolist() == naive_lloyd(points.tolist(), centres.tolist())


@given(POINTS, st.integers(1, MOST), st.integers(0, 99))
def test_centres_begin_at_different_points(points: np.ndarray, clusters: int, seed: int) -> None:
    centres = spread_centres(points, clusters, np.random.default_rng(seed)).tolist()
    different = {tuple(point) for point in points.tolist()}
    assert {tuple(centre) for centre in centres} <= different
    assert len({tuple(c) for c in centres}) == len(centres) == min(clusters, len(different))


@given(POINTS, st.integers(1, MOST), st.integers(0, 99))
def test_no_task_is_nearer_to_another_cluster(points: np.ndarray, clusters: int, seed: int) -> None:
    labels = np.array(k_means(points, clusters, seed))
    means = np.stack([points[labels == label].mean(0) for label in np.unique(labels)])
    gaps = ((points[:, None] - means) ** 2).sum(-1)
    assert (gaps[np.arange(len(points)), labels] <= gaps.min(1) + 1e-9).all()


@pytest.mark.parametrize("seed", range(10))
def test_of_few_tasks_the_clusters_are_the_best_there_are(seed: int) -> None:
    points = np.random.default_rng(seed).standard_normal((7, 2))
    found = scatter(points, np.array(k_means(points, 3, seed)))
    assert found == pytest.approx(least_scatter(points, 3))


def test_clusters_that_lie_apart_are_found() -> None:
    rng = np.random.default_rng(1)
    middles = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    owner = rng.integers(3, size=40)
    points = middles[owner] + 0.3 * rng.standard_normal((40, 2))
    assert partition(k_means(points, 3, 0), list(range(40))) == partition(
        tuple(owner.tolist()), list(range(40))
    )


@given(POINTS, st.integers(1, MOST), st.integers(0, 9), st.randoms(use_true_random=False))
def test_clusters_do_not_depend_on_the_order_of_the_tasks(
    points: np.ndarray, clusters: int, seed: int, random: object
) -> None:
    order = list(range(len(points)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = points[:, :1] ** 3 / 7, points / 3
    labels = by_features([one, other], clusters, seed)
    assert by_features([one, other], clusters, seed) == labels
    shuffled = by_features([one[order], other[order]], clusters, seed)
    assert shuffled == tuple(labels[task] for task in order)


@given(st.lists(st.sampled_from("abcdef"), min_size=1), st.integers(1, MOST))
def test_the_most_frequent_keys_have_clusters_of_their_own(keys: list[str], clusters: int) -> None:
    labels = by_key(keys, clusters)
    assert by_key(keys[::-1], clusters) == labels[::-1]
    assert set(labels) == set(range(min(clusters, len(set(keys)))))
    of = {key: {label for k, label in zip(keys, labels, strict=True) if k == key} for key in keys}
    assert all(len(found) == 1 for found in of.values())
    alone = {key for key in of if sum(of[key] == other for other in of.values()) == 1}
    shared = set(of) - alone
    assert all(keys.count(a) >= keys.count(b) for a in alone for b in shared)
    assert len(alone) >= min(clusters, len(of)) - 1


@given(
    arrays(np.float64, (9, 3), elements=st.floats(-1e6, 1e6)),
    st.floats(0.01, 100),
    st.floats(-10, 10),
)
def test_a_block_of_features_weighs_the_same_whatever_its_unit(
    block: np.ndarray, unit: float, offset: float
) -> None:
    found = standardised(np.round(block))
    np.testing.assert_allclose(standardised(np.round(block) * unit + offset), found, atol=1e-4)
    columns = sum(len(set(column)) > 1 for column in np.round(block).T.tolist())
    assert (found**2).sum() == pytest.approx(len(block) * columns / 3)


def test_features_that_do_not_differ_make_no_clusters() -> None:
    assert by_features([np.full((5, 2), 0.1), np.full((5, 1), 3e7)], 3, 0) == (0,) * 5


@given(LABELS, st.integers(0, 30), st.sampled_from(["turns", "blocks"]))
def test_every_task_is_dealt_once_and_every_meta_batch_is_of_one_cluster(
    labels: list[int], more: int, schedule: str
) -> None:
    updates = min(len(set(labels)) + more, len(labels))
    dealt = meta_batches(tuple(labels), updates, schedule)  # type: ignore[arg-type]
    assert len(dealt) == updates
    assert all(dealt)
    assert sorted(task for members in dealt for task in members) == list(range(len(labels)))
    of = [{labels[task] for task in members} for members in dealt]
    assert all(len(found) == 1 for found in of)
    if schedule == "blocks":
        assert [min(found) for found in of] == sorted(min(found) for found in of)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["turns", "blocks"]))
def test_one_cluster_is_the_batch_cut_into_equal_stretches(
    updates: int, tasks: int, schedule: str
) -> None:
    updates = min(updates, tasks)
    dealt = meta_batches((0,) * tasks, updates, schedule)  # type: ignore[arg-type]
    assert [task for members in dealt for task in members] == list(range(tasks))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_clusters_take_turns_in_line_with_their_shares() -> None:
    labels = (0,) * 8 + (1,) * 4
    dealt = meta_batches(labels, 6, "turns")
    assert [labels[members[0]] for members in dealt] == [0, 1, 0, 0, 1, 0]
    assert [len(members) for members in dealt] == [2] * 6
    blocks = meta_batches(labels, 6, "blocks")
    assert [labels[members[0]] for members in blocks] == [0, 0, 0, 0, 1, 1]
