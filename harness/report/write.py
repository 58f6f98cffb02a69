"""Writes what follows from a run's records into its folder, each file whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.declare.study import Study
from harness.errors import StoreError
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, Verdict
from harness.records.store import replace_file
from harness.report.account import Account, accounts
from harness.report.content import Content
from harness.report.figures.svg import is_drawn_as, on_dark
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.tables.run_tables import machine_words
from harness.report.tables.verdict_table import no_figures, verdict_reason

CLAIMS_SCHEMA = 2


def write_content(folder: Path, content: Content, texts: Mapping[str, str]) -> list[Path]:
    """Write the texts by their names, and the content as figures, page and paper."""
    svgs = {figure.name: figure.svg() for figure in content.figures}
    page = to_page(content, svgs)  # what can't be made is found before anything is written
    drawings = folder / "figures", folder / "figures" / "dark"
    for place in drawings:
        if place.is_symlink():  # a run of others may lead anywhere
            raise StoreError(f"{place}: a link, behind which nothing is written. Remove it.")
    make_folder(drawings[-1])
    written = []
    for name, text in _files(texts, svgs, page):
        written.append(folder / name)
        replace_file(written[-1], text.encode())
    for path in sorted(path for place in drawings for path in place.glob("*.svg")):
        if path.stem not in svgs and is_drawn_as(path.stem, path.read_bytes()):
            path.unlink()  # an earlier report's, which this one has no more
    paper = folder / "report.pdf"
    with contextlib.suppress(OSError):  # what can't be removed is told where it is replaced
        paper.unlink()  # if it can't be set, all else is there, and no older one
    replace_file(paper, to_pdf(content, svgs))
    return [*written, paper]


def _files(
    texts: Mapping[str, str], svgs: Mapping[str, str], page: str
) -> Iterator[tuple[str, str]]:
    """Yield what is written beside the paper, one file after another."""
    yield from texts.items()
    for name, svg in svgs.items():
        yield f"figures/{name}.svg", svg
        yield f"figures/dark/{name}.svg", on_dark(svg)
    yield "report.html", page


def claims_json(evidence: Evidence, judgement: Judgement, studies: Sequence[Study]) -> str:
    """Return the verdicts for programs: sorted, and the same text for the same run."""
    manifest = evidence.manifest
    table: dict[str, Any] = {
        "schema": CLAIMS_SCHEMA,
        "suite": manifest.suite.name,
        "speed_judged": manifest.suite.verdicts,
        "machine": machine_words(manifest.probes),
        "aa_ok": judgement.aa_ok,
        "noise_floor": judgement.noise_floor,
        "reference_convergence": [dataclasses.asdict(each) for each in judgement.convergence],
        "warnings": list(judgement.warnings),
        "verdicts": sorted(
            (
                verdict_plain(verdict, each)
                for each in accounts(evidence, judgement)
                for verdict in each.verdicts
            ),
            key=lambda v: (v["claim"], v["pair"], v["reading"], v["measure"]),
        ),
        "beside": [
            {"claim": outcome.claim.name} | dataclasses.asdict(each)
            for outcome in judgement.claims
            for each in outcome.beside
        ],
    }
    for study in studies:
        table |= study.said(judgement)
    return json.dumps(finite(table), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def verdict_plain(verdict: Verdict, account: Account) -> dict[str, Any]:
    """Return a verdict with its claim and the blocks it rests on as plain data.

    Where the pair may show no figures, there are none.
    """
    judged, claim, plain = account.judged, account.claims.get(verdict.claim), account.plain()
    shown = no_figures(verdict, judged) is None
    table = dataclasses.asdict(verdict)
    for name in ("observed", "unused", "source"):  # the account tells them
        del table[name]
    if not shown:
        table |= {"ratio": None, "own_ratio": None}
    about = ("paper", "source", "link", "read", "quote", "sentence")
    return (
        table
        | {name: getattr(claim, name, None) for name in about}
        | {
            "reason": verdict_reason(verdict, judged),
            "rival": judged.pair.rival,
            **{name: plain[name] for name in ("workload", "data", "baseline")},
            "estimator": account.trace.estimator,
            "observed": [dataclasses.asdict(each) for each in account.trace.rounds]
            if shown
            else [],
            "blocks": list(account.trace.blocks) if shown else [],
        }
    )


def make_folder(path: Path) -> None:
    """Make a folder of a report, unless it is there."""
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
