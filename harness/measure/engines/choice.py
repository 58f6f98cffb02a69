"""Which engine a run is measured by."""

from __future__ import annotations

from pathlib import Path

from harness.config import RunConfig
from harness.measure.engines.engine import Engine


def engine_of(config: RunConfig, folder: Path) -> Engine:
    """Return the engine that was asked for; what it needs to keep in files goes to the folder."""
    if config.engine == "slurm":
        from harness.measure.engines.slurm import SlurmEngine

        return SlurmEngine(folder, config.plugins, config.memory_gb)
    if config.engine == "ray":
        from harness.measure.engines.ray import RayEngine

        return RayEngine(config.address, config.plugins, config.memory_gb)
    from harness.measure.engines.local import LocalEngine

    return LocalEngine()
