"""Published pickles of arrays, read without running what a pickle may ask for."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.errors import UsageError

# NumPy's own, which has moved since these files were written.
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
_SCALAR: Any = np.float64(0).__reduce__()[0]


def _empty(kind: type, shape: tuple[int, ...], dtype: bytes) -> Any:
    """Make what an array's content is then put into; a shape here would take memory unread."""
    if kind is not np.ndarray or shape != (0,):
        raise pickle.UnpicklingError(f"it asks for an array of shape {shape} before its content")
    return _RECONSTRUCT(kind, shape, dtype)


KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
} | {
    (module, name): function
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name, function in (("_reconstruct", _empty), ("scalar", _SCALAR))
}
"""All that arrays, numbers and byte strings are made of."""


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which data never need")
        return KNOWN[module, name]


def read_pickle(path: Path) -> Any:
    """Return what a file holds; what it takes of memory is a little more than its size."""
    size, free = path.stat().st_size, psutil.virtual_memory().available
    if size > free:
        raise UsageError(
            f"{path.name} takes {size / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. "
            "Read it on a larger machine: once packed, it takes next to none."
        )
    with path.open("rb") as file:
        return _Restricted(file, encoding="bytes").load()


def text_keys(table: Any) -> Any:
    """Return a table with text for keys, which are bytes where Python 2 has written it."""
    return {key.decode() if isinstance(key, bytes) else key: one for key, one in table.items()}
