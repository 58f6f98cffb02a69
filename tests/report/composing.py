"""Reports composed from a manifest, records and a judgement that may have been made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.builtin import builtin_studies
from harness.declare.passes import Seen
from harness.judge.evidence import Evidence
from harness.judge.judge import with_shown
from harness.judge.judgement import Judgement
from harness.judge.outcome import outcomes
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report import content, write

STUDIES = builtin_studies()


def compose(
    manifest: Manifest, records: Sequence[Record[Seen]], judgement: Judgement
) -> content.Content:
    evidence = Evidence(manifest, records)
    if not judgement.studies:
        judgement = with_shown(judgement, evidence, STUDIES)
    if not judgement.claims:
        found = outcomes(manifest.claims, judgement.pairs)
        judgement = dataclasses.replace(judgement, claims=found)
    return content.compose(evidence, judgement, STUDIES)


def claims_json(
    manifest: Manifest, judgement: Judgement, records: Sequence[Record[Seen]] = ()
) -> str:
    evidence = Evidence(manifest, records)
    if not judgement.studies:
        judgement = with_shown(judgement, evidence, STUDIES)
    return write.claims_json(evidence, judgement, STUDIES)


def write_all(
    folder: Path, manifest: Manifest, records: Sequence[Record[Seen]], judgement: Judgement
) -> list[Path]:
    """Write all that `report` writes of what is said and drawn."""
    told = claims_json(manifest, judgement, records)
    composed = compose(manifest, records, judgement)
    return write.write_content(folder, composed, {"claims.json": told})
