"""Clusters of tasks, and the meta-batches that are dealt from them.

None of it depends on the order of the tasks: k-means is given them in the order of their features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Labels = tuple[int, ...]
Schedule = Literal["turns", "blocks"]

RESTARTS = 8
MOST_ROUNDS = 100


def by_key(keys: Sequence[Hashable], clusters: int) -> Labels:
    """Put tasks of equal keys together: the most frequent keys alone, the others in the last."""
    many = Counter(keys)
    ranked = sorted(many, key=lambda key: (-many[key], repr(key)))
    number = {key: min(rank, clusters - 1) for rank, key in enumerate(ranked)}
    return tuple(number[key] for key in keys)


def by_features(blocks: Sequence[Points], clusters: int, seed: int) -> Labels:
    """Put tasks of like features together; every block of features weighs the same."""
    order = np.lexsort(np.concatenate(blocks, 1).T[::-1])
    points = np.concatenate([standardised(block[order]) for block in blocks], 1)
    labels = np.empty(len(order), dtype=int)
    labels[order] = k_means(points, clusters, seed)
    return tuple(labels.tolist())


def standardised(block: Points) -> Points:
    """Return features of mean 0 and deviation 1, or 0 where all are alike, as one unit together."""
    centred = block - block.mean(0)
    deviation = block.std(0)
    alike = deviation <= 1e-12 * np.abs(block).max(0)
    unit = np.where(alike, 1.0, deviation * np.sqrt(block.shape[1]))
    scaled: Points = np.where(alike, 0.0, centred / unit)
    return scaled


def k_means(points: Points, clusters: int, seed: int) -> Labels:
    """Return the clusters of the best of several runs of k-means, numbered as they appear.

    There are fewer than asked for where there are fewer different points.
    """
    rng = np.random.default_rng(seed)
    runs = [lloyd(points, spread_centres(points, clusters, rng)) for _ in range(RESTARTS)]
    best = min(runs, key=lambda labels: scatter(points, labels)).tolist()
    number = {label: place for place, label in enumerate(dict.fromkeys(best))}
    return tuple(number[label] for label in best)


def spread_centres(points: Points, clusters: int, rng: np.random.Generator) -> Points:
    """Draw points to begin at, each with a chance in line with its squared distance to the rest."""
    chosen = [int(rng.integers(len(points)))]
    while len(chosen) < clusters:
        nearest = _squared_distances(points, points[chosen]).min(1)
        if not nearest.any():
            break
        chosen.append(int(rng.choice(len(points), p=nearest / nearest.sum())))
    return points[chosen]


def lloyd(points: Points, centres: Points) -> NDArray[Any]:
    """Give points to their nearest centre and centres to their points' mean until none moves."""
    labels: NDArray[Any] = _squared_distances(points, centres).argmin(1)
    for _ in range(MOST_ROUNDS):
        centres = np.stack(
            [
                points[labels == number].mean(0) if (labels == number).any() else centre
                for number, centre in enumerate(centres)
            ]
        )
        moved = _squared_distances(points, centres).argmin(1)
        if (moved == labels).all():
            break
        labels = moved
    return labels


def scatter(points: Points, labels: NDArray[Any]) -> float:
    """Return the sum of the points' squared distances to the mean of their cluster."""
    groups = [points[labels == label] for label in np.unique(labels)]
    return float(sum(((group - group.mean(0)) ** 2).sum() for group in groups))


def meta_batches(labels: Labels, updates: int, schedule: Schedule) -> list[list[int]]:
    """Deal tasks to so many meta-batches, each of one cluster, in the order of their training.

    A cluster has one at least. Each further one goes to the cluster whose meta-batches are largest
    so far, so that all come as near to one size as can be.
    """
    members: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for task, label in enumerate(labels):
        members[label].append(task)
    share = dict.fromkeys(members, 1)
    for _ in range(updates - len(members)):
        share[max(members, key=lambda label: (len(members[label]) / share[label], -label))] += 1
    dealt = [
        ((turn + 0.5) / share[label] if schedule == "turns" else 0.0, label, turn, part.tolist())
        for label, own in members.items()
        for turn, part in enumerate(np.array_split(own, share[label]))
    ]
    return [part for *_, part in sorted(dealt)]


def _squared_distances(points: Points, centres: Points) -> Points:
    distances: Points = ((points[:, None] - centres) ** 2).sum(-1)
    return distances
