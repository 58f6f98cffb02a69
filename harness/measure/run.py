"""A run: the plan's blocks, one after another, each one's record stored before the next starts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness.config import RunConfig
from harness.declare.claims import load_claims
from harness.declare.passes import Seen
from harness.declare.suite import Suite, find_suite, read_suite, resolve
from harness.errors import MeasurementError, NothingMeasured, UsageError
from harness.measure.block import Block
from harness.measure.engines.engine import Engine
from harness.measure.engines.outcome import record_from_answer, record_of_team
from harness.measure.plan import plan, plan_hash
from harness.measure.progress import Progress
from harness.measure.rehearsal import rehearsal
from harness.measure.skipping import Inherits, Skipping, is_settled
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.store import Store, require_fresh
from harness.registry import ROOT, Registry

SUITES = ROOT / "suites"
CLAIMS = SUITES / "claims.toml"
RESULTS = ROOT / "results"


@dataclass
class Run:
    """A run that is ready to be measured, new or resumed."""

    config: RunConfig
    suite: Suite
    blocks: list[Block]
    registry: Registry
    store: Store
    measured: bool = False
    """Whether any block gave a measurement."""
    _imports: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def measure(self, engine: Engine, progress: Progress, inherits: Inherits) -> Store:
        """Measure every block that has no record yet."""
        skipping = Skipping(inherits)
        with self.store.writing() as writer:
            done = self._recorded(skipping)
            for note in self.store.notes:
                progress.noted(note)
            left = [block for block in self.blocks if block.id not in done]
            shorts = list(rehearsal(left, self.registry.passes))
            if shorts:
                progress.noted("taking a few steps first, to say what the run will cost")
            rehearsed = [self._record_of(short, engine) for short in shorts]
            progress.planned(self.suite, left, self.registry.passes, rehearsed)
            for block in left:
                progress.started(block)
                if (skipped := skipping.of(block)) is not None:
                    record = block.record("skipped", skip=skipped.skip, reason=skipped.reason)
                else:
                    record = self._record_of(block, engine)
                    skipping.saw(record)
                writer.append(record)
                self.measured |= record.status == "ok"
                progress.finished(block, record)
        return self.store

    def _recorded(self, skipping: Skipping) -> set[str]:
        """Return the blocks that an earlier part of the run has settled."""
        settled = [
            record for record in self.store.records(self.registry.passes) if is_settled(record)
        ]
        for record in settled:
            if record.status != "skipped":
                skipping.saw(record)
        self.measured = any(record.status == "ok" for record in settled)
        return {record.block for record in settled}

    def _record_of(self, block: Block, engine: Engine) -> Record[Seen]:
        whose = block.pair.name, block.member
        if whose not in self._imports:
            self._imports[whose] = imports_of(block, self.registry)
        try:
            return measured_by(engine, block, self._imports[whose], self.registry)
        except MeasurementError as error:
            return block.record("failed", reason=str(error))


def measured_by(
    engine: Engine, block: Block, imports: tuple[str, ...], registry: Registry
) -> Record[Seen]:
    """Let the engine measure the block, in as many processes as it has ranks."""
    text, limit_s = block.to_json(), block.protocol.limit_s
    if block.ranks == 1:
        answer = engine.call("harness.measure.worker:work", text, limit_s, imports)
        return record_from_answer(answer, block, registry.passes)
    call = "harness.measure.worker:work_together"
    answers = engine.call_ranks(call, text, limit_s, imports, block.ranks)
    return record_of_team(answers, block, registry.passes)


def imports_of(block: Block, registry: Registry) -> tuple[str, ...]:
    """Return the modules that the block's worker needs; plugins are left to the worker."""
    learners = {e.name: e for kind in ("baseline", "method") for e in registry.entries(kind)}
    # A setting may name another learner, which the block's own is made of.
    inner = [learners[word] for word in block.learner_settings.values() if word in learners]
    entries = (
        registry.find(block.learner, "baseline", "method"),
        *inner,
        registry.find(block.pair.workload, "workload"),
    )
    modules = (entry.target.rpartition(":")[0] for entry in entries)
    return tuple(module for module in modules if not module.endswith(".py"))


def prepare(config: RunConfig, command: str, engine: Engine) -> Run:
    """Check everything that can be wrong before the first block, and lay out the run's folder."""
    registry = Registry(config.plugins).whole()
    suite = read_suite(find_suite(config.suite, SUITES))
    if config.pairs:
        suite = suite.only(config.pairs)
    claims = resolve(suite, registry, load_claims(CLAIMS))
    suite = replace(suite, claim=())  # the manifest holds them beside the published ones
    blocks = plan(suite, config, registry)
    started = datetime.now(UTC)
    folder = config.out or RESULTS / f"{suite.name}-{started:%Y%m%d-%H%M%S}"
    require_fresh(folder)
    probes = probed(config.device, engine)
    _rehearse(blocks, registry, engine)
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
        plugin_hashes=_hashes(config.plugins),
    )
    return Run(config, suite, blocks, registry, Store.create(folder, manifest))


def resume(config: RunConfig, engine: Engine) -> Run:
    """Open a run that was not finished; its own manifest says what was planned."""
    assert config.resume is not None
    registry = Registry(config.plugins).whole()
    store = Store.open(config.resume)
    manifest = store.manifest
    then = RunConfig(
        seeds=manifest.seeds,
        rounds=manifest.rounds,
        threads=manifest.threads,
        device=manifest.device,
        data_dir=config.data_dir,
        plugins=config.plugins,
    )
    if config.data_dir is not None and not manifest.data_dir:
        raise UsageError(f"{store.folder}: this run used no data_dir=. Leave it out.")
    if manifest.data_dir and config.data_dir is None:
        raise UsageError(f"{store.folder}: this run used a data_dir=. Name it again.")
    if missing := set(manifest.plugins) - {Path(plugin).name for plugin in config.plugins}:
        raise UsageError(
            f"{store.folder}: this run used plugin={', '.join(sorted(missing))}. Name it again."
        )
    if manifest.plugin_hashes != _hashes(config.plugins):
        raise UsageError(
            f"{store.folder}: a plugin is not what it was when the run began, and what was "
            "measured then can't stand beside what it does now. Start a new run."
        )
    resolve(manifest.suite, registry, {claim.name: claim for claim in manifest.claims})
    blocks = plan(manifest.suite, then, registry)
    if plan_hash(blocks) != manifest.plan_hash:
        raise UsageError(
            f"{store.folder}: this version of the harness ({harness.__version__}) plans other "
            f"blocks than the one that started the run ({manifest.version}). "
            "Finish it with that version, or start a new run."
        )
    _require_same_place(store, probed(manifest.device, engine))
    return Run(then, manifest.suite, blocks, registry, store)


SAME = ("cpu", "usable_cores", "python", "torch", "distributions_hash", "gpu", "git_commit")
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
            f"{store.folder}: this is not where the run began ({'; '.join(changed)}). "
            "Finish it there, or start a new run."
        )


def _hashes(plugins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(hashlib.sha256(Path(p).read_bytes()).hexdigest()[:16] for p in plugins))


def _rehearse(blocks: list[Block], registry: Registry, engine: Engine) -> None:
    """Make every learner once that is given settings or ranks: a wrong one must not cost a run."""
    settled: dict[tuple[object, ...], Block] = {}
    for block in blocks:
        key = block.pair.name, block.member, tuple(sorted(block.point)), block.ranks > 1
        settled.setdefault(key, block)
    for block in settled.values():
        if block.pair.settings or block.learner_settings or block.ranks > 1:
            call = "harness.measure.worker:rehearse"
            answer = engine.call(call, block.to_json(), 120, imports_of(block, registry))
            if answer.text:
                raise UsageError(f"pair {block.pair.name}: {answer.text}")


def probed(device: str, engine: Engine) -> dict[str, Any]:
    answer = engine.call("harness.measure.probes:probe_text", device, 120, ())
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
