"""A finished run's plan measured again here, or held to another run of it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from harness.config import RunConfig
from harness.errors import UsageError
from harness.judge.reproduction import Reproduction, reproduction
from harness.measure.engines.choice import engine_of
from harness.measure.preparation import RESULTS, probed, repeat
from harness.measure.progress import progress_for
from harness.records.manifest import hashes_of, require_given
from harness.records.pack import PLUGINS, is_pack
from harness.records.store import require_fresh
from harness.report.reproduced import FILE, FOLDER, as_json, compose_reproduction
from harness.report.write import write_content
from harness.reporting import read_run, write_files
from harness.results import Results
from harness.running import ended, measure_whole
from harness.signals import ending_in_order
from harness.team.rendezvous import require_one_process


def measured_again(path: Path, given: RunConfig) -> tuple[Reproduction, Path, int]:
    """Measure a run's plan; return how its figures agree, the new folder and its exit code."""
    require_one_process("the run")
    before = read_run(path, given.plugins)
    _require_same_plugins(before, given)
    suite = before.manifest.suite.name
    folder = given.out or RESULTS / f"{suite}-again-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    require_fresh(folder)
    progress = progress_for(sys.stderr)
    with ending_in_order():
        with engine_of(given, folder.parent) as engine:
            probes = probed(before.manifest.device, engine, before.manifest.threads)
            command = f"python -m harness reproduce {path.name}"
            run = repeat(before.manifest, given, folder, command, probes)
            progress.noted(f"writing records to {folder}")
            measure_whole(run, engine, progress)
        after = read_run(folder, given.plugins)
        write_files(after)
        found = held_to(before, after)
        write_page(found, folder / FOLDER)
    return found, folder, ended(run)


def held_to(before: Results, after: Results) -> Reproduction:
    """Hold a run's figures to those of another one."""
    return reproduction(before.judged, after.judged)


def write_page(found: Reproduction, folder: Path) -> None:
    """Write a reproduction as a page, a paper and an object for programs."""
    write_content(folder, compose_reproduction(found), {FILE: as_json(found)})


def _require_same_plugins(before: Results, given: RunConfig) -> None:
    manifest, where = before.manifest, before.path
    if manifest.plugins and not given.plugins and is_pack(where):
        names = ",".join(f"{PLUGINS}{name}" for name in manifest.plugins)
        raise UsageError(
            f"{where}: this run used plugins. The pack holds them, but runs none by itself: read "
            f"them (unzip {where} '{PLUGINS}*'), then give plugin={names}."
        )
    require_given(manifest, where, given.plugins, given.data_dir)
    if manifest.plugin_hashes != hashes_of(given.plugins):
        raise UsageError(
            f"{where}: these are not the plugins that the run was made with. Give those, or start "
            "a run of your own."
        )
