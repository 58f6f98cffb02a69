"""Preparation: a run is laid out before its first block, whether new, repeated or resumed.

Everything that can be wrong with what was asked for is said here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness.config import RunConfig
from harness.declare.claims import load_claims
from harness.declare.suite import find_suite, read_suite, resolve
from harness.errors import NothingMeasured, UsageError
from harness.measure.engines.engine import Engine, Resources
from harness.measure.plan import plan, plan_hash
from harness.measure.run import Run, imports_of
from harness.measure.settings_check import SettingsCheck, first_of_each
from harness.records.manifest import Manifest, hashes_of, require_given
from harness.records.store import Store, require_fresh
from harness.registry import ROOT, Registry

SUITES = ROOT / "suites"
CLAIMS = SUITES / "claims.toml"
RESULTS = ROOT / "results"
FEW_LOOKS = 8
"""Learners that are made in so short a time that nobody wonders what is being done."""


def prepare(
    config: RunConfig, command: str, engine: Engine, noted: Callable[[str], None] | None = None
) -> Run:
    """Check everything that can be wrong before the first block, and lay out the run's folder."""
    registry = Registry(config.plugins).whole()
    suite = read_suite(find_suite(config.suite, SUITES))
    if config.pairs:
        suite = suite.only(config.pairs)
    if config.seeds is not None:
        suite = suite.without_own_seeds()
    claims = resolve(suite, registry, load_claims(CLAIMS))
    suite = replace(suite, claim=())  # the manifest holds them beside the published ones
    blocks = plan(suite, config, registry)
    started = datetime.now(UTC)
    folder = config.out or RESULTS / f"{suite.name}-{started:%Y%m%d-%H%M%S}"
    require_fresh(folder)
    probes = probed(config.device, engine, config.threads)
    asked = [(block, imports_of(block, registry)) for block in first_of_each(blocks)]
    if noted and len(asked) > FEW_LOOKS:
        noted(f"making each of {len(asked)} learners once, to find what is wrong before the run")
    SettingsCheck(engine, asked).require_right_settings()
    manifest = Manifest(
        command=command,
        suite=suite,
        claims=tuple(claims.values()),
        seeds=config.seeds_of(suite),
        rounds=config.rounds_of(suite),
        threads=config.threads,
        device=config.device,
        data_dir=config.data_dir is not None,
        plan=tuple(block.id for block in blocks),
        plan_hash=plan_hash(blocks),
        started=started.isoformat(timespec="seconds"),
        version=harness.__version__,
        probes=probes,
        plugins=tuple(Path(plugin).name for plugin in config.plugins),
        plugin_hashes=hashes_of(config.plugins),
        jobs=config.jobs,
        engine=config.engine,
    )
    store = Store.create(folder, manifest)
    return Run(config, suite, blocks, registry, store, probes.get("disturbed_by", {}))


def repeat(
    then: Manifest, given: RunConfig, folder: Path, command: str, probes: dict[str, Any]
) -> Run:
    """Lay out a run that measures again what another one planned, or some of its pairs."""
    suite = then.suite.only(given.pairs) if given.pairs else then.suite
    config = as_then(then, given)
    registry = Registry(config.plugins).whole()
    resolve(suite, registry, {claim.name: claim for claim in then.claims})
    blocks = plan(suite, config, registry)
    manifest = replace(
        then,
        command=command,
        suite=suite,
        plan=tuple(block.id for block in blocks),
        plan_hash=plan_hash(blocks),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        version=harness.__version__,
        probes=probes,
        plugins=tuple(Path(plugin).name for plugin in config.plugins),
        plugin_hashes=hashes_of(config.plugins),
        engine=given.engine,
    )
    return Run(config, suite, blocks, registry, Store.create(folder, manifest))


def as_then(then: Manifest, given: RunConfig) -> RunConfig:
    """Return the options of an earlier run, with what is this one's own."""
    return RunConfig(
        seeds=then.seeds,
        rounds=then.rounds,
        budget_s=given.budget_s,
        threads=then.threads,
        device=then.device,
        data_dir=given.data_dir,
        plugins=given.plugins,
        jobs=then.jobs,
    )


def resume(config: RunConfig, engine: Engine) -> Run:
    """Open a run that was not finished; its own manifest says what was planned."""
    assert config.resume is not None
    registry = Registry(config.plugins).whole()
    store = Store.open(config.resume)
    manifest = store.manifest
    then = as_then(manifest, config)
    if config.data_dir is not None and not manifest.data_dir:
        raise UsageError(f"{store.folder}: this run used no data_dir=. Leave it out.")
    require_given(manifest, store.folder, config.plugins, config.data_dir)
    if manifest.plugin_hashes != hashes_of(config.plugins):
        raise UsageError(
            f"{store.folder}: a plugin has changed since the run began, so its old and new "
            "measurements cannot be compared. Start a new run."
        )
    resolve(manifest.suite, registry, {claim.name: claim for claim in manifest.claims})
    blocks = plan(manifest.suite, then, registry)
    if plan_hash(blocks) != manifest.plan_hash:
        raise UsageError(
            f"{store.folder}: this version of the harness ({harness.__version__}) plans different "
            f"blocks from the version that started the run ({manifest.version}, at commit "
            f"{manifest.probes.get('git_commit') or 'unknown'}). "
            "Finish it with that version, or start a new run."
        )
    probes = probed(manifest.device, engine, manifest.threads)
    _require_same_place(store, probes)
    return Run(then, manifest.suite, blocks, registry, store, probes.get("disturbed_by", {}))


SAME = (
    "cpu",
    "usable_cores",
    "niceness",
    "python",
    "torch",
    "distributions_hash",
    "gpu",
    "git_commit",
)
"""The probes that must not change within a run: its blocks would not be of one kind."""


def _require_same_place(store: Store, probes: dict[str, Any]) -> None:
    then = store.manifest.probes
    changed = [
        f"{name} was {then.get(name)}, is {probes.get(name)}"
        for name in SAME
        if then.get(name) != probes.get(name)
    ]
    if changed:
        raise UsageError(
            f"{store.folder}: the machine or its software has changed ({'; '.join(changed)}). "
            "Finish the run where it began, or start a new run."
        )


def probed(device: str, engine: Engine, cores: int = 1) -> dict[str, Any]:
    """Return what the machine is like on which so many cores are used, one of the run's."""
    needed = Resources(cores, int(device.startswith("cuda")), machine="the run's probes")
    answer = engine.call("harness.measure.probes:probe_text", device, 120, (), needed)
    if not answer.text:
        raise NothingMeasured(f"the machine could not be probed: {answer.died_of}")
    probes: dict[str, Any] = json.loads(answer.text)
    index = int(device.partition(":")[2] or 0)
    if device.startswith("cuda") and probes["gpus"] <= index:
        raise UsageError(
            f"device={device}: torch {probes['torch']} sees {probes['gpus']} CUDA devices here. "
            "Use device=cpu, or install torch's CUDA build on a machine with a GPU."
        )
    return probes
