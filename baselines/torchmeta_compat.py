"""torchmeta 1.8 beside today's torch and torchvision, with nothing changed on disk.

Two things keep it from working. It imports two private helpers of torchvision's downloader, which
were since dropped: they are lent to torchvision while torchmeta is imported, and taken back. And
its SubsetTask overrides `__getitem__` alone, which torch's Subset now refuses: it is given the
`__getitems__` that torch asks for. Importing this module imports neither of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from baselines.peer import importing
from harness.errors import UsageError

DROPPED = ("_get_confirm_token", "_save_response_content")


@contextmanager
def usable_torchmeta() -> Iterator[None]:
    """Import torchmeta, put it right, and let its parts be imported inside."""
    with importing("torchmeta"):
        with _lent(importlib.import_module("torchvision.datasets.utils")):
            tasks: Any = importlib.import_module("torchmeta.utils.data.task")
        tasks.SubsetTask.__getitems__ = _items
        yield


@contextmanager
def _lent(downloads: ModuleType) -> Iterator[None]:
    missing = [name for name in DROPPED if not hasattr(downloads, name)]
    for name in missing:
        setattr(downloads, name, _refuse)
    try:
        yield
    finally:
        for name in missing:
            delattr(downloads, name)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise UsageError(
        "torchmeta's downloads need an older torchvision than the one here. "
        "Put the data set's files where torchmeta looks for them, and leave download=True out."
    )


def _items(self: Any, indices: Sequence[int]) -> list[Any]:
    return [self[index] for index in indices]
