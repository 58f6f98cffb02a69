"""An instrument for claims about accelerated meta-learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from harness.results import Results

__version__ = "0.1.0"


def open_run(folder: str | os.PathLike[str], *plugins: str) -> Results:
    """Open a run's folder: its manifest, its records, its judgement, and all as a pandas frame.

    A study that a plugin brought needs the plugin's file to be read.
    """
    from pathlib import Path

    from harness.results import Results

    return Results.of(Path(folder), plugins)
