"""What the doctor found, as text and as JSON."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence

from harness.doctor.finding import Finding, State

TITLES = {
    State.UNFIT: "disturbs times",
    State.LACKING: "keeps pairs from being measured",
    State.ADVICE: "would make times steadier",
    State.UNKNOWN: "not known",
    State.FIT: "in order",
}
WIDTH = 100


def as_text(found: Sequence[Finding]) -> str:
    """Return the findings by how they stand, the gravest first."""
    lines = []
    for state, title in TITLES.items():
        here = [finding for finding in found if finding.state is state]
        if here:
            lines.append(f"{title}:")
        for finding in here:
            lines.append(f"  {finding.subject}: {finding.seen}")
            for told in (finding.effect, finding.remedy):
                lines += [f"      {line}" for line in textwrap.wrap(told, WIDTH - 6)]
    return "\n".join(lines)


def as_json(found: Sequence[Finding]) -> str:
    return json.dumps([dataclasses.asdict(finding) for finding in found], indent=1)
