"""What compiled calls need: a compiler, and no warnings from it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import Absent


def require_a_compiler(device: str) -> None:
    if device == "cpu" and not any(map(shutil.which, ("g++", "clang++", "c++"))):
        raise Absent(
            "no C++ compiler: compiled = true writes C++ for the step. Install g++, or set "
            "compiled = false."
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the compiler from warning of the gradients that it looks for itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"The \.grad attribute of a Tensor", UserWarning)
        yield
