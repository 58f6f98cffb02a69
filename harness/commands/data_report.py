"""The data sets found in a folder, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from harness.declare.data import DataSets, Finding, Opened
from harness.registry import Registry


def findings(registry: Registry, data_dir: Path) -> Iterator[Finding]:
    """Yield what every component of the kind finds, one set after another."""
    for entry in registry.entries("data"):
        sets: type[DataSets] = entry.load()
        yield from sets.inspect(data_dir)


def as_text(finding: Finding) -> str:
    """Return the lines about one set."""
    lines = [f"{finding.name}: {finding.state}. {finding.detail}"]
    lines += [f"  {note}" for note in finding.notes]
    lines += [f"  use it as {_said(opened)}" for opened in finding.opens]
    if finding.state != "whole":
        lines += [f"  expected: {finding.expected}", f"  published: {finding.published}"]
    return "\n".join(lines)


def as_json(every: list[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in every], indent=1, ensure_ascii=False)


def _said(opened: Opened) -> str:
    settings = ", ".join(f"{key} = {json.dumps(value)}" for key, value in opened.settings.items())
    return f"workload {opened.workload}" + (f" with {settings}" if settings else "")
