"""Draws of an entry: the data that make its objective one function, and where a run begins."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_classification

from suites.classifiers import Classifier, Convolutional, FullyConnected, Recurrent
from suites.objectives import (
    Bowl,
    Changed,
    Formula,
    Landscape,
    Linear,
    MatrixProduct,
    Objective,
    Rescaled,
    Sum,
)
from suites.optimizee_entries import Entry

Array = NDArray[Any]
Arrays = dict[str, Array]

EXAMPLES = 1000
TEACHER_LAYERS, TEACHER_WIDTH = 6, 20
SEQUENCE = 6
STARTS: dict[Formula, tuple[tuple[float, float], tuple[float, float]] | None] = {
    "ackley": ((-32.768, 32.768),) * 2,
    "beale": ((-4.5, 4.5),) * 2,
    "booth": ((-10.0, 10.0),) * 2,
    "branin": ((-5.0, 10.0), (0.0, 15.0)),
    "log_sum_exp": None,
    "matyas": ((-10.0, 10.0),) * 2,
    "michalewicz": ((0.0, math.pi),) * 2,
    "rosenbrock": ((-5.0, 10.0),) * 2,
    "styblinski_tang": ((-5.0, 5.0),) * 2,
}
"""Where test functions begin, uniformly; without limits the start is Gaussian."""


def drawn_data(entry: Entry, objective: Objective, rng: np.random.Generator) -> Arrays:
    """Return the data of an entry's objective, or of a part of it."""
    match objective:
        case Linear(dimensions=n):
            return {"w": rng.standard_normal((n, n)), "y": rng.standard_normal((n, 1))}
        case Bowl():
            turn = math.radians(entry.angle)
            rotation = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
            return {"a": np.diag([math.sqrt(entry.condition), 1.0]) @ np.array(rotation)}
        case MatrixProduct(n=n):
            return {"c": _matrix_products(n)}
        case Sum(parts=parts):
            return {
                f"{number}.{name}": values
                for number, part in enumerate(parts)
                for name, values in drawn_data(entry, part, rng).items()
            }
        case Rescaled(inner=inner):
            return drawn_data(entry, inner, rng) | {"scale": np.array(entry.scale)}
        case Changed(inner=inner):
            return drawn_data(entry, inner, rng)
        case Classifier():
            x, labels = _examples(entry, objective, rng)
            return {"x": x, "labels": labels.astype(float)}
    return {}


def drawn_start(entry: Entry, objective: Objective, rng: np.random.Generator) -> Array:
    """Return coordinates to begin at."""
    match objective:
        case Landscape(formula=formula) if limits := STARTS[formula]:
            low, high = zip(*limits, strict=True)
            return rng.uniform(low, high)
        case MatrixProduct():
            columns = [rng.standard_normal(shape) for shape in objective.shapes]
            return np.concatenate([(c / np.linalg.norm(c, axis=0)).ravel() for c in columns])
        case Sum(parts=parts):
            return np.concatenate([drawn_start(entry, part, rng) for part in parts])
        case Rescaled(inner=inner):
            return entry.scale * drawn_start(entry, inner, rng)
        case Changed(inner=inner):
            return drawn_start(entry, inner, rng)
        case Classifier():
            stds = [1.2 / math.sqrt(shape[0]) for shape in objective.shapes]
            sizes = objective.sizes
            return np.repeat(stds, sizes) * rng.standard_normal(objective.size)
    return rng.standard_normal(objective.size)


def drawn_log_rates(objective: Objective, rng: np.random.Generator) -> Array:
    """Return the logarithms of rates from 1e-6 to 1e-2: a draw a coordinate and one a tensor."""
    low, high = math.log(1e-6) / 2, math.log(1e-2) / 2
    of_tensor = np.repeat(rng.uniform(low, high, len(objective.sizes)), objective.sizes)
    return np.clip(rng.uniform(low, high, objective.size) + of_tensor, -33, 33)[:, None]


def drawn_rows(examples: int, batch: int, steps: int, rng: np.random.Generator) -> Array:
    """Return the examples of every step: shuffled epochs, each without its remainder."""
    in_epoch = examples // batch
    epochs = [rng.permutation(examples)[: in_epoch * batch] for _ in range(-(-steps // in_epoch))]
    return np.concatenate(epochs).reshape(-1, batch)[:steps]


def _examples(
    entry: Entry, objective: Classifier, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    match objective:
        case FullyConnected(inputs=d, hidden=()):
            return _separated(d, entry.separation)
        case FullyConnected(inputs=d):
            x = rng.standard_normal((EXAMPLES, d))
            return x, _taught(x, rng)
        case Convolutional(side=side):
            return _bars(side, rng)
        case Recurrent(inputs=inputs):
            x = rng.standard_normal((EXAMPLES, SEQUENCE, inputs))
            return x, x.sum((1, 2)) > 0
    raise TypeError(f"no examples for a {type(objective).__name__}")


@cache
def _separated(features: int, separation: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return the published code's examples of logistic regression, the same for every seed."""
    x, y = make_classification(
        EXAMPLES,
        features,
        n_informative=features,
        n_redundant=0,
        n_clusters_per_class=2,
        flip_y=0.01,
        class_sep=separation,
        random_state=123,
    )
    return x, y == 1


def _taught(x: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Label examples by a random network, which now and then labels all of them alike."""
    std, widths = math.sqrt(2 / x.shape[1]), [x.shape[1], *[TEACHER_WIDTH] * TEACHER_LAYERS]
    for before, after in pairwise(widths):
        x = np.maximum(x @ (std * rng.standard_normal((before, after))), 0)
    label: NDArray[np.bool_] = x[:, 0] > 0
    return label


def _bars(side: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Return noisy images of a bar across, labelled by whether it is upright."""
    images = 0.5 * rng.standard_normal((EXAMPLES, side, side))
    where, upright = rng.integers(side, size=EXAMPLES), rng.random(EXAMPLES) < 0.5
    each = np.arange(EXAMPLES)
    images[each[upright], :, where[upright]] += 1
    images[each[~upright], where[~upright], :] += 1
    return images.reshape(EXAMPLES, -1), upright


@cache
def _matrix_products(n: int) -> Array:
    """Return the product of every pair of matrices of which either has a single 1."""
    ones = np.eye(n**2).reshape(-1, n, n)
    products: Array = np.einsum("aij,bjk->abik", ones, ones).reshape(n**4, n**2)
    return products
