"""The paper holds the content, and is the same bytes whenever it is set."""

from __future__ import annotations

import dataclasses
import io
import re
import shlex
from typing import Any

import pypdf
import pytest
import typst

from harness.report.content import Content
from harness.report.pdf import MOST_FIGURES, MOST_GROUPS, command_lines, to_pdf
from tests.report.composing import compose


def text_of(pdf: bytes) -> str:
    """Return the words of all pages, with breaks within and between lines taken out."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def pdf(content: Content, svgs: dict[str, str]) -> bytes:
    return to_pdf(content, svgs)


def test_the_paper_is_the_same_bytes_each_time(
    content: Content, svgs: dict[str, str], pdf: bytes
) -> None:
    assert to_pdf(content, svgs) == pdf


def test_a_table_of_hundreds_of_pairs_is_cut_and_says_where_the_rest_is(content: Content) -> None:
    assert content.verdicts is not None
    many = tuple(
        dataclasses.replace(content.verdicts.groups[0], title=f"Claim {number:03}.")
        for number in range(150)
    )
    verdicts = dataclasses.replace(content.verdicts, groups=many)
    bare = dataclasses.replace(content, claims=(), verdicts=verdicts, sections=())
    said = text_of(to_pdf(bare, {}))
    assert f"Claim{MOST_GROUPS - 1:03}." in said
    assert f"Claim{MOST_GROUPS:03}." not in said
    assert f"{150 - MOST_GROUPS}morearein" in said


def test_the_paper_tells_no_time_but_the_runs(pdf: bytes) -> None:
    metadata = pypdf.PdfReader(io.BytesIO(pdf)).metadata
    assert metadata is not None
    assert "/CreationDate" not in metadata
    assert "/ModDate" not in metadata
    assert metadata.title == "Published speed-ups of meta-learning, measured again"


def test_the_paper_says_all_that_the_content_says(content: Content, pdf: bytes) -> None:
    said = text_of(pdf)
    tables = [*content.lead, *(t for s in content.sections for t in s.tables)]
    for table in tables:
        assert table is not None
        for group in table.groups:
            assert squeezed(group.title) in said
            for cell in (cell for row in group.rows for cell in row):
                assert squeezed(cell.text) in said
                assert squeezed(cell.note) in said
    for figure in content.figures:
        assert squeezed(figure.caption) in said
    for claim in content.claims:
        assert squeezed(claim.claim) in said
        assert all(squeezed(tally.said) in said for tally in claim.tallies)
    for paragraph in (*content.abstract, content.closing):
        assert squeezed(paragraph) in said


def test_the_paper_is_tagged_and_its_figures_have_words(content: Content, pdf: bytes) -> None:
    catalog = pypdf.PdfReader(io.BytesIO(pdf)).root_object
    assert catalog["/MarkInfo"]["/Marked"]
    alternatives = []

    def walk(node: object, depth: int = 0) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for part in node:
                walk(part, depth)
        elif isinstance(node, dict):
            if "/Alt" in node:
                alternatives.append(str(node["/Alt"]))
            if "/K" in node:
                walk(node["/K"], depth + 1)

    walk(catalog["/StructTreeRoot"])
    assert {figure.alternative for figure in content.figures} <= set(alternatives)


def test_a_paper_whose_tags_cannot_be_built_is_set_without_them(
    content: Content, svgs: dict[str, str], pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = typst.compile

    def fails(*given: Any, pdf_tags: bool, **named: Any) -> Any:
        if pdf_tags:
            raise typst.TypstError("internal error: parent group (occurred at build.rs:202:14)")
        return whole(*given, pdf_tags=pdf_tags, **named)

    monkeypatch.setattr(typst, "compile", fails)
    plain = to_pdf(content, svgs)
    assert "/StructTreeRoot" in pypdf.PdfReader(io.BytesIO(pdf)).root_object
    assert "/StructTreeRoot" not in pypdf.PdfReader(io.BytesIO(plain)).root_object
    assert text_of(plain) == text_of(pdf)


def test_any_other_fault_of_the_paper_is_told(
    content: Content, svgs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any, **named: Any) -> Any:
        raise typst.TypstError("unknown variable: x")

    monkeypatch.setattr(typst, "compile", fails)
    with pytest.raises(typst.TypstError, match="unknown variable"):
        to_pdf(content, svgs)


def test_a_long_table_of_claims_breaks_over_pages(run) -> None:
    verdict = run.judgement.pairs[1].verdicts[0]
    pairs = tuple(
        dataclasses.replace(
            run.judgement.pairs[1],
            pair=dataclasses.replace(run.judgement.pairs[1].pair, name=f"pair-number-{number}"),
            verdicts=(dataclasses.replace(verdict, reason=f"because of {number}"),) * 3,
        )
        for number in range(25)
    )
    content = compose(run.manifest, (), run.judged(pairs=pairs).judgement)
    claims = dataclasses.replace(content, sections=())
    said = text_of(to_pdf(claims, {f.name: f.svg() for f in claims.figures}))
    assert all(said.count(f"becauseof{number}.") == 3 for number in range(25))


def test_little_or_nothing_can_be_set(degenerate) -> None:
    said = text_of(to_pdf(degenerate.content, degenerate.svgs))
    assert squeezed(degenerate.content.title) in said
    assert "Theexactcommand" in said


@pytest.mark.parametrize(
    "command",
    [
        "python -m harness run suite=paper",
        "python -m harness run suite=paper 'pairs=a b,c d' out=... seeds=3 rounds=6 threads=2",
        "python -m harness run plugin='it'\"'\"'s here.py' suite=" + "x" * 90 + " seeds=1",
        "python -m harness run 'out=spaces    kept    as they are, even past the width of a line'",
    ],
)
def test_a_folded_command_is_still_the_command(command: str) -> None:
    folded = command_lines(command, width=40)
    assert shlex.split(folded.replace("\\\n", "")) == shlex.split(command)


def test_an_unbalanced_quote_loses_nothing() -> None:
    assert command_lines("it's odd") == "it's odd"


def test_of_a_section_s_dozens_of_figures_the_first_are_set_and_the_others_counted(
    content: Content, svgs: dict[str, str]
) -> None:
    number = next(n for n, section in enumerate(content.sections) if section.figures)
    section = content.sections[number]
    many = dataclasses.replace(section, figures=section.figures[:1] * (MOST_FIGURES + 3))
    sections = (*content.sections[:number], many, *content.sections[number + 1 :])
    said = text_of(to_pdf(dataclasses.replace(content, sections=sections), svgs))
    assert "3moreareinreport.html" in said
