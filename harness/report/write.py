"""Writes what follows from a run's records into its folder, each file whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.store import replace_file
from harness.report.content import Content, compose
from harness.report.figures import draw
from harness.report.gradient import withheld
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.run_tables import machine_words
from harness.report.verdict_table import no_figures, verdict_reason
from harness.studies.ablation.show import parts

CLAIMS_SCHEMA = 1

# The names that figures are given, so that those of an earlier report can be taken away.
_OURS = re.compile(
    r"(speedups|curves|targets|rounds|memory|sizes|growth|profile|scaling|variants|history)"
    r"(-\d+)?\.svg"
)


def write(
    run_folder: Path, manifest: Manifest, records: Sequence[Record], judgement: Judgement
) -> list[Path]:
    """Write claims.json, the figures, the page and the paper; return their paths."""
    content = compose(manifest, records, judgement)
    return write_content(run_folder, content, {"claims.json": claims_json(manifest, judgement)})


def write_content(folder: Path, content: Content, texts: Mapping[str, str]) -> list[Path]:
    """Write the texts by their names, and the content as figures, page and paper."""
    svgs = {figure.name: draw(figure) for figure in content.figures}
    files = {
        **{name: text.encode() for name, text in texts.items()},
        **{f"figures/{name}.svg": svg.encode() for name, svg in svgs.items()},
        "report.html": to_page(content, svgs).encode(),
        "report.pdf": to_pdf(content, svgs),
    }
    _make_folder(folder / "figures")
    for name, data in files.items():
        replace_file(folder / name, data)
    for path in sorted((folder / "figures").glob("*.svg")):
        if _OURS.fullmatch(path.name) and path.stem not in svgs:
            path.unlink()
    return [folder / name for name in files]


def claims_json(manifest: Manifest, judgement: Judgement) -> str:
    """Return the verdicts for programs: sorted, and the same text for the same run."""
    verdicts = [_told(verdict, judged) for judged in judgement.pairs for verdict in judged.verdicts]
    table = {
        "schema": CLAIMS_SCHEMA,
        "suite": manifest.suite.name,
        "speed_judged": manifest.suite.verdicts,
        "machine": machine_words(manifest.probes),
        "aa_ok": judgement.aa_ok,
        "noise_floor": judgement.noise_floor,
        "warnings": list(judgement.warnings),
        "selections": [
            {
                "pair": judged.pair.name,
                "method": judged.pair.method,
                "method_settings": judged.pair.method_settings,
                "workload": judged.pair.workload,
                "settings": judged.pair.settings,
                "choices": [dataclasses.asdict(choice) for choice in judged.selection.choices],
                "best": [dataclasses.asdict(best) for best in judged.selection.best],
            }
            for judged in judgement.pairs
            if judged.selection is not None and judged.selection.choices and not withheld(judged)
        ],
        "parts": [
            {**part, "adds": dataclasses.asdict(part["adds"]) if part["adds"] else None}
            for part in parts(judgement)
        ],
        "verdicts": sorted(
            (dataclasses.asdict(verdict) for verdict in verdicts),
            key=lambda v: (v["claim"], v["pair"], v["reading"], v["measure"]),
        ),
    }
    return json.dumps(finite(table), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _told(verdict: Verdict, judged: PairJudgement) -> Verdict:
    """Return the verdict, without figures where the pair may show none."""
    reason = verdict_reason(verdict, judged)
    if no_figures(verdict, judged) is not None:
        return dataclasses.replace(verdict, ratio=None, own_ratio=None, reason=reason)
    return dataclasses.replace(verdict, reason=reason)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror or error}. The report needs this folder."
        ) from None


def finite(value: Any) -> Any:
    """Return plain data with null wherever a number is unknown; JSON has no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value
