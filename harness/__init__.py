"""Test claims about accelerated meta-learning: measure, judge, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from harness.results import Results

__version__ = "0.1.0"


def open_run(path: str | os.PathLike[str], *plugins: str) -> Results:
    """Open a run's folder or pack: its manifest, records and judgement, and a pandas frame.

    If the run used a study from a plugin, name the plugin's file.
    """
    from pathlib import Path

    from harness.results import Results

    return Results.of(Path(path), plugins)
