"""The published list that the hierarchical RNN optimizer is trained on, 101 entries, as data.

Wichrowska et al. 2017; the list is the default of their code's training script. Two further lists
are kept: those 32 entries that have two coordinates, and four kinds of models, of which the
convolutional and the recurrent ones are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from suites.classifiers import Convolutional, FullyConnected, Recurrent
from suites.objectives import (
    Bowl,
    Formula,
    Landscape,
    Logarithm,
    MatrixProduct,
    Norm,
    Objective,
    Quadratic,
    Rescaled,
    Sum,
)


@dataclass(frozen=True)
class Entry:
    """One line of a list: an objective, how its data are made, and what disturbs its gradients."""

    family: str
    objective: Objective
    noise: float = 0.0
    """Standard deviation of what is added to every entry of a gradient."""
    sparse: bool = False
    """Whether each entry of a gradient is zeroed with probability .99."""
    batch: int | None = None
    """Examples of a minibatch; gradients are of all examples if null."""
    condition: float = 1.0
    angle: float = 0.0
    """Degrees by which a bowl is turned."""
    separation: float = 1.0
    """Of the classes of logistic regression."""
    scale: float = 1.0
    """By which coordinates are stretched."""


QUADRATICS = ((20, 0.5), (25, 0.0), (50, 1.0), (100, 2.0), (784, 0.0), (1024, 0.0), (2048, 0.0))
BOWLS = ((0.1, 0.0), (1.0, 0.0), (5.0, 0.0), (5.0, 45.0))
LOGISTIC = ((10, 2.0, 100), (100, 1.0, 50), (200, 1.5, 20), (256, 1.5, 100))
LOGISTIC_NOISE = (0.5, 0.1, 0.1, 0.5)
NETWORKS = (
    (8, (8, 5), 10),
    (12, (8, 5, 3), 200),
    (5, (4, 4, 4, 4), 100),
    (11, (4, 5, 6), 64),
    (9, (8,), 128),
    (7, (8, 5), 16),
    (8, (32, 64), 10),
    (12, (16, 8, 3), 200),
    (5, (8, 8, 8, 8), 100),
    (11, (10, 12, 12), 64),
    (9, (32,), 128),
    (7, (32, 64), 16),
)
PRODUCTS = (*((2, k) for k in range(5, 9)), *((3, k) for k in range(19, 25)))
RESCALED = (
    *((Norm(18, p), s) for p, s in ((2.5, 0.123), (1.5, 8.0), (2.0, 50.0), (3.0, 200.0))),
    (Norm(18, 1.0), 1000.0),
    *((Quadratic(n), s) for n, s in ((20, 0.1), (25, 10.0), (50, 350.0), (100, 132.0))),
)
NORMS = ((27, 1.0), (25, 2.0), (22, 3.0))
NOISY_NORMS = ((19, 1.0), (26, 2.0), (23, 3.0))
FUNCTIONS = tuple(Landscape(formula) for formula in get_args(Formula))
SUMS = (
    Sum(tuple(Quadratic(n) for n in (11, 3, 9, 7, 5, 13, 12))),
    Sum((Norm(18, 3.0), Quadratic(25), Landscape("rosenbrock"))),
    Sum(FUNCTIONS),
    Sum((*FUNCTIONS, Quadratic(5), Quadratic(13))),
    Sum((Quadratic(11), Quadratic(3))),
    Sum((Landscape("rosenbrock"), Landscape("log_sum_exp"), Landscape("ackley"))),
)
SHAPES = (Quadratic(20), Quadratic(50), Quadratic(100))

PUBLISHED = (
    *(Entry("quadratic", Quadratic(n), noise) for n, noise in QUADRATICS),
    *(
        Entry("bowl", Bowl(), noise, condition=c, angle=a)
        for noise, (c, a) in product((0.0, 0.1), BOWLS)
    ),
    *(
        Entry("logistic", FullyConnected(d), noise if noisy else 0.0, batch=b, separation=s)
        for noisy in (False, True)
        for (d, s, b), noise in zip(LOGISTIC, LOGISTIC_NOISE, strict=True)
    ),
    *(Entry("test function", f, noise) for noise, f in product((0.0, 1.0), FUNCTIONS)),
    *(Entry("fully connected", FullyConnected(d, h), batch=b) for d, h, b in NETWORKS),
    *(Entry("matrix product", MatrixProduct(n, k)) for n, k in PRODUCTS),
    *(Entry("logarithm", Logarithm(shape)) for shape in SHAPES),
    *(Entry("logarithm", Logarithm(Bowl()), condition=c) for c in (0.1, 1.0, 5.0)),
    *(Entry("rescaled", Rescaled(inner), scale=s) for inner, s in RESCALED),
    *(Entry("norm", Norm(n, p)) for n, p in NORMS),
    *(Entry("norm", Norm(n, p), noise=0.1) for n, p in NOISY_NORMS),
    *(Entry("sum", each) for each in SUMS),
    # The published code calls these two noisy, and its wrapper ignores their parts' noise.
    *(Entry("sum again", SUMS[number]) for number in (0, 3)),
    *(Entry("sparse", shape, sparse=True) for shape in SHAPES),
    *(Entry("sparse", Bowl(), sparse=True, condition=c) for c in (0.1, 1.0, 5.0)),
    *(Entry("sparse", FullyConnected(d, h), sparse=True, batch=b) for d, h, b in NETWORKS[:3]),
)

KINDS = (
    *(entry for entry in PUBLISHED if entry.family == "logistic"),
    *(entry for entry in PUBLISHED if entry.family == "fully connected"),
    *(
        Entry("convolutional", Convolutional(side, channels), batch=20)
        for side, channels in ((6, 3), (6, 4), (8, 3), (8, 4))
    ),
    *(
        Entry("recurrent", Recurrent(inputs, units), batch=20)
        for inputs, units in ((1, 8), (2, 8), (1, 12), (2, 12))
    ),
)

ListName = Literal["published", "two_numbers", "kinds"]
LISTS: dict[ListName, tuple[Entry, ...]] = {
    "published": PUBLISHED,
    "two_numbers": tuple(entry for entry in PUBLISHED if entry.objective.sizes == (2,)),
    "kinds": KINDS,
}
