"""The manifest: everything about a run that holds for all of its blocks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.declare.claims import Claim
from harness.declare.protocol import DEVICE, MOST_THREADS
from harness.declare.settings import build
from harness.declare.suite import Suite
from harness.errors import StoreError, UsageError
from harness.reading import from_json
from harness.records.record import DAMAGED, SCHEMA, require_schema
from harness.records.schema1 import modern_claims, modern_suite


@dataclass(frozen=True)
class Manifest:
    """A run's plan and surroundings: enough to judge and report it without the suite's files."""

    command: str
    suite: Suite
    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]
    rounds: int
    threads: int
    device: str
    data_dir: bool  # whether one was given; its path is the user's own
    plan: tuple[str, ...]  # the identifiers of all blocks, in order
    plan_hash: str
    started: str  # UTC
    version: str
    probes: dict[str, Any]
    plugins: tuple[str, ...] = ()
    plugin_hashes: tuple[str, ...] = ()
    jobs: int = 1  # untimed blocks that shared a machine's cores
    engine: str = "local"
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        """Refuse what the command line refuses: a run is resumed by what stands here."""
        if not DEVICE.fullmatch(self.device):
            raise ValueError(f"device = {self.device!r} must be cpu, cuda or cuda:N")
        for name, value in (("threads", self.threads), ("jobs", self.jobs)):
            if not 1 <= value <= MOST_THREADS:
                raise ValueError(f"{name} = {value} must be from 1 to {MOST_THREADS:,}")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"


def hashes_of(plugins: Sequence[str]) -> tuple[str, ...]:
    """Return the hashes of plugins' files, as a manifest keeps them."""
    return tuple(sorted(hashlib.sha256(Path(p).read_bytes()).hexdigest()[:16] for p in plugins))


def require_given(
    manifest: Manifest, where: Path, plugins: Sequence[str], data_dir: str | None
) -> None:
    """Say what the run was given that has to be given again."""
    if manifest.data_dir and data_dir is None:
        raise UsageError(f"{where}: this run used a data_dir=. Give it again.")
    require_plugins(manifest, where, plugins)


def require_plugins(manifest: Manifest, where: Path, plugins: Sequence[str]) -> None:
    """Say which of the run's plugins were not given again."""
    if missing := set(manifest.plugins) - {Path(plugin).name for plugin in plugins}:
        named = ", ".join(sorted(missing))
        raise UsageError(f"{where}: this run used plugin={named}. Give it again.")


def manifest_from(text: str | bytes, where: str) -> Manifest:
    """Read a manifest, or say what is wrong with it."""
    try:
        table = from_json(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where}: not valid JSON ({error}). {DAMAGED}") from None
    if not isinstance(table, dict):
        raise StoreError(
            f"{where}: a manifest must be an object, not {type(table).__name__}. {DAMAGED}"
        )
    require_schema(table, where)
    if table["schema"] == 1:
        suite, claims = modern_suite(table.get("suite", {})), modern_claims(table.get("claims"))
        table |= {"schema": SCHEMA, "suite": suite, "claims": claims}
    try:
        return build(Manifest, table, where)
    except UsageError as error:
        raise StoreError(f"{error} {DAMAGED}") from None
