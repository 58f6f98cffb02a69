"""What a learner pays once: the first meta-update on new tasks, beside the same one repeated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from time import perf_counter

from harness.declare.learner import Learner
from harness.declare.passes import Costs, Look
from harness.declare.settings import build
from harness.measure.block import Block
from harness.studies.ladder import OneOff, Settings
from harness.studies.ladder.warm import first_update, in_another_process

REPETITIONS = 2
KEPT_AT = "TORCHINDUCTOR_CACHE_DIR"


def look_once(block: Block, learner: Learner) -> Look:
    """Time the first meta-update on each draw of tasks, and what it takes when it is repeated.

    Of the repetitions the slowest counts, so that what is left of the first is not noise. Where
    something was made once, a second process takes the first draw's with what the first one kept.
    """
    asked, began = build(Settings, block.study, "[study.ladder]"), perf_counter()
    first, again, made, spent = [], [], [], []
    with nothing_kept():
        for draw in range(asked.draws):
            spans = first_update(block, learner, draw * asked.apart, 1 + REPETITIONS)
            first.append(spans[0])
            again.append(max(spans[1:]))
            made.append(len(learner.preparations()))
            spent.append(float(sum(learner.preparations())))
        warm = in_another_process(block) if made[-1] and block.ranks == 1 else None
    seen = OneOff(tuple(first), tuple(again), tuple(made), tuple(spent), warm)
    return Look(seen, Costs(measured_s=perf_counter() - began))


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Give torch's compiler an empty folder, so that it finds nothing that another run has left."""
    before = os.environ.get(KEPT_AT)
    with TemporaryDirectory() as folder:
        os.environ[KEPT_AT] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[KEPT_AT]
            else:
                os.environ[KEPT_AT] = before
