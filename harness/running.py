"""A run that is measured to its end: what its judges decide on the way is left out."""

from __future__ import annotations

import sys

from harness.errors import NOTHING, PARTLY, PASSED
from harness.judge.noise.stopping import decides_by
from harness.judge.quality.inheritance import inherits_by
from harness.measure.engines.engine import Engine
from harness.measure.progress import Progress
from harness.measure.run import Run
from harness.records.store import Store


def measure_whole(run: Run, engine: Engine, progress: Progress) -> Store:
    """Measure all that is still wanted of a run, and return its records."""
    passes, studies = run.registry.passes, run.registry.studies
    decides = decides_by(run.store.manifest, passes, studies)
    try:
        return run.measure(engine, progress, inherits_by(passes), decides)
    finally:
        progress.close()


def ended(run: Run) -> int:
    """Name the pairs of which nothing was measured, and return the run's exit code."""
    if not run.gave:
        print("error: nothing was measured; the report says why.", file=sys.stderr)
        return NOTHING
    if without := run.without_measurement:
        print(f"error: nothing was measured of {', '.join(without)}.", file=sys.stderr)
        return PARTLY
    return PASSED
