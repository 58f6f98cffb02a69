"""What a claim needs and a run lacks."""

from __future__ import annotations

from harness.declare.claims import Claim
from harness.declare.pair import Pair
from harness.judge.evidence import Evidence, told
from harness.records.manifest import Manifest


def lacking(claim: Claim, pair: Pair, evidence: Evidence) -> str | None:
    """Say what is absent here, or return None if the claim can be tested.

    What a claim needs is asked of the method that the claim is about. A rival is held to the same
    figures with whatever it runs on.
    """
    manifest = evidence.manifest
    parts = [] if pair.rival else [_unmet(need, pair, manifest) for need in claim.needs]
    if (cores := too_few_cores(pair, manifest)) is not None:
        parts.append(f"a core for each of {pair.ranks} ranks (found: {cores})")
    return ", ".join(part for part in [*parts, skipped(evidence, pair)] if part) or None


def too_few_cores(pair: Pair, manifest: Manifest) -> int | None:
    """Return the cores that were given, if the pair's ranks had to take turns on them.

    Then the ranks had more threads than the baseline, or were no workers in their own right: either
    reading of the claim would be of something else.
    """
    if pair.ranks == 1 or manifest.device.startswith("cuda"):
        return None
    known = manifest.probes.get("usable_cores")
    cores = min(manifest.threads, known) if isinstance(known, int) else manifest.threads
    return cores if pair.ranks > cores else None


def skipped(evidence: Evidence, pair: Pair) -> str | None:
    """Say why the pair, or a part of it, could not be run here at all."""
    reasons = [
        told(record.reason).rstrip(".") or "a block was skipped"
        for record in evidence.of(pair)
        if record.status == "skipped" and record.is_owed
    ]
    return told("; ".join(dict.fromkeys(reasons))) or None


def _unmet(need: str, pair: Pair, manifest: Manifest) -> str | None:
    name, _, amount = need.partition("=")
    if name == "ranks":
        found: object = pair.ranks
    elif name == "gpus" and not manifest.device.startswith("cuda"):
        return f"{need} (measured on {manifest.device})"
    else:
        found = manifest.probes.get(name)
    if found is None:
        return f"{need} (found: unknown)"
    if isinstance(found, int) and amount.isdigit():
        enough = found >= int(amount)
    else:
        enough = str(found) == amount
    return None if enough else f"{need} (found: {found})"
