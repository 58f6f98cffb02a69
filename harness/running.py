"""A run that is measured to its end: what its judges decide on the way is left out."""

from __future__ import annotations

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
