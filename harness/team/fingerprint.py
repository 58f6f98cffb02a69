"""What a rank runs: ranks of different code or different peers must not share one block's work."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.component import FOLDERS
from harness.errors import UsageError
from harness.registry import ROOT, Registry
from harness.team.communicator import Communicator

NAMED = 5  # differences of a rank that are told one by one


def fingerprint(plugins: Sequence[str] = ()) -> dict[str, str]:
    """Return a word for every source file, plugin and package whose difference would matter."""
    files = {
        str(path.relative_to(ROOT)): path
        for folder in ("harness", *FOLDERS)
        for suffix in ("*.py", "*.toml")
        for path in sorted((ROOT / folder).rglob(suffix))
    }
    files |= {f"plugin {Path(plugin).name}": Path(plugin) for plugin in plugins}
    words = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for name, path in files.items()
    }
    registry = Registry(tuple(plugins))
    peers = {e.peer for kind in ("baseline", "method") for e in registry.entries(kind)} - {None}
    for package in ("torch", "numpy", "horovod", *sorted(map(str, peers))):
        words[package] = _version(package)
    return words | {"Python": sys.version.split()[0]}


def require_the_same(team: Communicator, mine: dict[str, str]) -> None:
    """Refuse to start where the ranks' fingerprints differ; every rank says the same."""
    first, *others = map(json.loads, team.gather(json.dumps(mine)))
    for rank, other in enumerate(others, start=1):
        if differing := differences(first, other):
            raise UsageError(
                f"rank {rank} of {team.size} does not run what rank 0 runs: {differing}. "
                "Give every rank the same code and the same packages."
            )


def differences(first: dict[str, str], other: dict[str, str]) -> str:
    """Name what differs in the other, if anything does."""
    found = [
        f"{name} ({_told(other, name)}, not {_told(first, name)})"
        for name in sorted(first.keys() | other.keys())
        if first.get(name) != other.get(name)
    ]
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _told(words: dict[str, str], name: str) -> str:
    return words.get(name, "absent")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
