"""The timings as pyperf reads them, one benchmark for each pair, pass and member."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import UsageError
from harness.exports.formats import Exported
from harness.records.pyperf_export import pyperf_json
from harness.results import Results


def as_suite(run: Results, options: Mapping[str, str]) -> Exported:
    """Return what `report` writes as pyperf.json too."""
    content = pyperf_json(run.shown)
    if content is None:
        raise UsageError("nothing can be exported: no pair of the run may show times.")
    return Exported({"": content})
