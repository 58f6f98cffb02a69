"""Supplies: what is installed beside the harness, without which pairs are not measured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from harness.doctor.finding import Finding, State, fit
from harness.errors import PeerMissing
from harness.registry import Registry

COMPILERS = ("c++", "g++", "clang++")


def supplies(registry: Registry) -> Iterator[Finding]:
    yield _compiler()
    yield _peers(registry)


def _compiler() -> Finding:
    own = os.environ.get("CXX", "").split()[:1]
    found = next((name for name in (*own, *COMPILERS) if shutil.which(name)), None)
    if found is not None:
        return fit("compiler", "a C++ compiler is there")
    effect = "Methods that torch compiles (torch.compile) fail, and their pairs give no number."
    remedy = "Install g++ or clang++, or name one in CXX."
    return Finding("compiler", State.LACKING, "no C++ compiler was found", effect, remedy)


def _peers(registry: Registry) -> Finding:
    entries = [*registry.entries("baseline"), *registry.entries("method")]
    peers = {entry.peer: entry.peer_version for entry in entries if entry.is_ours and entry.peer}
    missing = sorted(peer for peer, version in peers.items() if version is None)
    seen = f"{len(peers) - len(missing)} of {len(peers)} libraries to compare with are installed"
    if not missing:
        return fit("peers", seen)
    effect = f"Pairs with {', '.join(missing)} are skipped: their claims get no number."
    remedy = f"Run: {'; '.join(map(PeerMissing.remedy, missing))}."
    return Finding("peers", State.LACKING, seen, effect, remedy)
