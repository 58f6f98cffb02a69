"""From a run's folder to a pack, with the verdicts as they are judged now."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.records.manifest import hashes_of, require_plugins
from harness.records.pack import CLAIMS, PLUGINS, is_pack, packed
from harness.records.store import (
    ANOTHER_FILE,
    MANIFEST,
    RECORDS,
    replace_file,
    require_replaceable,
)
from harness.report.write import claims_json
from harness.reporting import read_run


def pack_run(folder: Path, plugins: tuple[str, ...], out: Path | None) -> Path:
    """Write a run into one file and return its path."""
    if is_pack(folder):
        raise UsageError(f"{folder}: a pack already. Name the folder of a run.")
    target = folder.with_name(f"{folder.resolve().name}.zip") if out is None else out
    require_replaceable(target, f"out={target}")
    run = read_run(folder, plugins)
    require_plugins(run.manifest, folder, plugins)
    if run.manifest.plugin_hashes != hashes_of(plugins):
        raise UsageError(
            f"{folder}: these are not the plugins that the run was made with, or they have changed "
            "since. Give those with plugin=."
        )
    content = packed(
        {
            MANIFEST: (folder / MANIFEST).read_bytes(),
            RECORDS: (folder / RECORDS).read_bytes(),
            CLAIMS: claims_json(run.evidence, run.judgement, run.registry.studies).encode(),
            **{f"{PLUGINS}{Path(plugin).name}": Path(plugin).read_bytes() for plugin in plugins},
        }
    )
    replace_file(target, content, ANOTHER_FILE)
    return target
