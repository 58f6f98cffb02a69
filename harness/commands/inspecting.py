"""Commands that look at what there is: components, data sets, gradients, this machine."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from typing import Any

from harness.config import existing_folder, listed, split_words
from harness.errors import PeerMissing, UnknownName, UsageError
from harness.options import DATA, LISTED, plugins_in
from harness.registry import ROOT, Entry, Registry


def list_(options: argparse.Namespace) -> int:
    """List baselines, methods, workloads, studies, suites and claims."""
    from harness.declare.claims import load_claims
    from harness.declare.suite import read_suite

    wanted = [word for word in options.words if "=" not in word]
    for kind in wanted:
        if kind not in LISTED:
            raise UnknownName("kind", kind, LISTED, "Leave it out to list all.")
    registry = Registry(plugins_in([word for word in options.words if "=" in word]))
    suites = ROOT / "suites"
    listing: dict[str, list[dict[str, Any]]] = {
        kinds: [_about(entry) for entry in registry.entries(kind)]
        for kind, kinds in (
            ("baseline", "baselines"),
            ("method", "methods"),
            ("workload", "workloads"),
            ("study", "studies"),
        )
    }
    read = [read_suite(path) for path in sorted(suites.glob("*.toml")) if path.stem != "claims"]
    listing["suites"] = [{"name": suite.name, "summary": suite.summary} for suite in read]
    own = [claim for suite in read for claim in suite.claim]
    claims = [*load_claims(suites / "claims.toml").values(), *own]
    listing["claims"] = [{"name": claim.name, "summary": claim.summary} for claim in claims]
    for fault in registry.faults:
        print(f"warning: {fault}", file=sys.stderr)
    chosen = {kind: listing[kind] for kind in wanted or LISTED}
    if options.json:
        print(json.dumps(chosen, indent=1, ensure_ascii=False))
        return 0
    for kind, entries in chosen.items():
        print(f"{kind}:")
        width = max((len(entry["name"]) for entry in entries), default=0)
        for entry in entries:
            peer = _peer_words(registry.find(entry["name"], kind[:-1])) if "peer" in entry else ""
            print(f"  {entry['name']:<{width}}  {entry['summary']}{peer}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Check a learner's gradient against what it claims to compute."""
    # What a plugin prints must not mix with the answer.
    with contextlib.redirect_stdout(sys.stderr):
        registry = Registry(plugins_in(options.words))
        entry = registry.find(options.name, "method", "baseline")
        from harness.measure.check import check

        result = check(entry, registry, options.examples)
    if options.json:
        print(result.to_json())
    else:
        in_each = [f"{error:.3g} in {dtype}" for dtype, error in result.errors.items()]
        cosine = f"{result.cosine:.6f}" if math.isfinite(result.cosine) else "unknown"
        print(
            f"{result.name} ({result.equivalence}): {'passed' if result.passed else 'FAILED'} "
            f"on {result.examples} random problems\n"
            f"  worst case: {result.held} {result.worst_error:.3g} "
            f"of {result.tolerance:.3g} allowed\n"
            f"    {result.worst_case}\n"
            + (f"  largest errors: {', '.join(in_each)}\n" if in_each else "")
            + f"  against the exact gradient: largest relative error {result.distance:.3g}, "
            f"lowest cosine {cosine}"
        )
    return 0 if result.passed else 1


def data(options: argparse.Namespace) -> int:
    """List a folder's data sets, what is missing or damaged, and which workloads can use them."""
    given = split_words(options.words, DATA)
    if "data_dir" not in given:
        raise UsageError("data needs a folder to read. Write data_dir=FOLDER.")
    data_dir = existing_folder("data_dir", given["data_dir"])
    from harness.commands.data_report import as_json, as_text, findings

    every = []
    for finding in findings(Registry(listed("plugin", given)), data_dir):
        every.append(finding)
        if not options.json:  # a large set takes minutes to read
            print(as_text(finding), flush=True)
    if options.json:
        print(as_json(every))
    return 1 if any(finding.state == "damaged" for finding in every) else 0


def probe(options: argparse.Namespace) -> int:
    """Describe this machine, as a run records it."""
    from harness.measure.probes import run_probes

    probes = run_probes()
    if options.json:
        print(json.dumps(probes, indent=1))
        return 0
    packages = probes.pop("packages")
    for name, value in probes.items():
        if isinstance(value, dict):
            value = "; ".join(f"{key}: {each}" for key, each in value.items()) or "nothing"
        print(f"{name:<20} {'unknown' if value is None else value}")
    print(f"{'packages':<20} {len(packages)} installed; --json lists them")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say whether this machine is fit to measure, and how to fix what is not."""
    from harness.doctor.disturbances import disturbances
    from harness.doctor.machine import this_machine
    from harness.doctor.show import as_json, as_text
    from harness.doctor.supplies import supplies
    from harness.doctor.tuning import tuning

    found = [*disturbances(this_machine()), *supplies(Registry()), *tuning()]
    print(as_json(found) if options.json else as_text(found))
    return 0


def _about(entry: Entry) -> dict[str, Any]:
    about: dict[str, Any] = {"name": entry.name, "summary": entry.summary}
    if entry.peer is not None:
        about |= {"peer": entry.peer, "installed": entry.peer_version}
    return about


def _peer_words(entry: Entry) -> str:
    if version := entry.peer_version:
        return f" [{entry.peer} {version}]"
    remedy = f": {PeerMissing.remedy(str(entry.peer))}" if entry.is_ours else ""
    return f" [{entry.peer} is not installed{remedy}]"
