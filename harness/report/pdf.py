"""The report as a paper, set by Typst: the same content gives the same bytes."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib
import typst

from harness.report.content import Content
from harness.report.tables.table import Cell, Group, Table

# What fits a column of the paper in its typewriter face.
COMMAND_WIDTH = 52

# Groups of a table beyond these would fill dozens of pages that nobody turns; the page holds all.
MOST_GROUPS = 50
MOST_FIGURES = 10
"""Of a section; the page has all."""


def to_pdf(content: Content, svgs: Mapping[str, str]) -> bytes:
    """Return the paper; `svgs` are the figures by name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        template = resources.files("harness.report").joinpath("paper.typ").read_text("utf-8")
        (root / "paper.typ").write_text(template, "utf-8")
        # The words reach the template as data, never as markup: many were written by others.
        (root / "content.json").write_text(json.dumps(_plain(content)), "utf-8")
        (root / "figures").mkdir()
        for name, svg in svgs.items():
            (root / "figures" / f"{name}.svg").write_text(svg, "utf-8")
        return _set(root)


def _set(root: Path, *, tagged: bool = True) -> bytes:
    try:
        pdf = typst.compile(
            root / "paper.typ",
            root=root,
            format="pdf",
            font_paths=[Path(matplotlib.get_data_path()) / "fonts" / "ttf"],
            ignore_system_fonts=True,
            pdf_tags=tagged,
        )
    except typst.TypstError as error:
        # Where a float meets the end of a page, Typst may fail to build the tags of screen readers
        # (its issue 8487). The paper is the same without them, and the page has all of it.
        if not tagged or "internal error" not in str(error):
            raise
        return _set(root, tagged=False)
    assert isinstance(pdf, bytes)
    return pdf


def command_lines(command: str, width: int = COMMAND_WIDTH) -> str:
    """Fold a command so that it can still be pasted into a shell; quoted words stay whole."""
    words = re.findall(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"\\])+""", command)
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width - 2:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return " \\\n".join(lines)


def _plain(content: Content) -> dict[str, Any]:
    """Return the content as far as a paper has room, without the data that figures show."""
    sections = (
        dataclasses.replace(section, tables=tuple(map(_on_paper, section.tables)))
        for section in content.sections
    )
    verdicts = None if content.verdicts is None else _on_paper(content.verdicts)
    shown = dataclasses.replace(content, sections=tuple(sections), verdicts=verdicts)
    table = dataclasses.asdict(shown)
    for section in table["sections"]:
        more = len(section["figures"]) - MOST_FIGURES
        section["figures"] = figures = section["figures"][:MOST_FIGURES]
        if more > 0:
            figures[-1]["caption"] += f" {more} more are in report.html, beside this paper."
        for figure in figures:
            del figure["shows"]
    for claim in table["claims"]:
        del claim["opened"]
        if claim["figure"] is not None:
            del claim["figure"]["shows"]
    for section, said in zip(table["sections"], content.sections, strict=True):
        section["commands"] = [command_lines(command) for command in said.commands]
    return table


def _on_paper(table: Table) -> Table:
    """Return the table with its first groups, and a line that says where the others are."""
    more = len(table.groups) - MOST_GROUPS
    if more <= 0:
        return table
    rest = Group(((Cell(f"{more} more are in report.html, beside this paper."),),))
    return dataclasses.replace(table, groups=(*table.groups[:MOST_GROUPS], rest))
