"""The page is one file that needs nothing from anywhere, for eyes and for screen readers."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import pytest

from harness.report.content import Content
from harness.report.figures.svg import COLOURS
from harness.report.page import themed, to_page
from tests.report.composing import compose

VOID = {"meta", "col", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Collects what a page is made of and checks that its elements close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(content: Content, svgs: dict[str, str]) -> str:
    return to_page(content, svgs)


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_the_page_is_the_same_text_each_time(
    content: Content, svgs: dict[str, str], page: str
) -> None:
    assert to_page(content, svgs) == page


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_asks_for_nothing_and_runs_its_own_script_alone(page: str, read: Reader) -> None:
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}
    assert not any("src" in attributes for _, attributes in read.tags)
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert "@import" not in page
    assert set(re.findall(r"https?://[^\"'<\s)]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    policy = read.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    allowed = policy["content"] or ""
    assert "default-src 'none'" in allowed
    rules = {
        name: set(of.split()) for name, _, of in (r.partition(" ") for r in allowed.split("; "))
    }
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert [{digest(script)} for script in scripts] == [rules["script-src"]]
    assert len(read.all("script")) == 2  # the other one is data
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    assert len(styles) > 1  # figures have one each
    assert {digest(style) for style in styles} == rules["style-src-elem"]


def test_a_link_leads_to_a_source_or_to_something_on_the_page(run) -> None:
    link = "https://arxiv.org/abs/2312.08398"
    linked = [dataclasses.replace(claim, link=link) for claim in run.manifest.claims]
    about = dataclasses.replace(run.manifest, claims=tuple(linked))
    content = compose(about, run.records, run.judgement)
    svgs = {figure.name: figure.svg() for figure in content.figures}
    read = Reader(to_page(content, svgs))
    ids = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    targets = {attributes["href"] or "" for attributes in read.all("a")}
    assert link in targets
    assert {target for target in targets if not target.startswith("#")} == {link}
    assert {target[1:] for target in targets if target.startswith("#")} <= ids


def test_the_page_says_all_that_the_content_says(content: Content, read: Reader) -> None:
    for claim in content.claims:
        assert claim.claim in read.text
        for each in claim.opened:
            assert all(text in read.text for fact in each.facts for text in fact)
            assert all(block in read.text for block in each.blocks)
    for table in (*content.lead, *(t for s in content.sections for t in s.tables)):
        assert table is not None
        for group in table.groups:
            for cell in (cell for row in group.rows for cell in row):
                assert cell.text in read.text
                assert cell.note in read.text
    for figure in content.figures:
        assert figure.alternative in read.text
    assert all(command in read.text for s in content.sections for command in s.commands)


def test_tables_say_what_their_headings_belong_to(content: Content, read: Reader) -> None:
    opened = [each.rounds for claim in content.claims for each in claim.opened if each.rounds]
    tables = [*content.lead, *(t for s in content.sections for t in s.tables), *opened]
    assert len(read.all("caption")) == len(read.all("table")) == len(tables)
    assert all(attributes.get("scope") for attributes in read.all("th"))


def test_figures_have_a_text_alternative(content: Content, read: Reader) -> None:
    drawings = read.all("svg")
    assert len(drawings) == len(content.figures)
    ids = {attributes.get("id") for _, attributes in read.tags}
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= ids


def test_no_identifier_is_given_twice(read: Reader) -> None:
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_verdict_is_a_word_and_not_only_a_colour(read: Reader, page: str) -> None:
    assert re.search(r'<span class="tone good">met</span>', page)
    assert re.search(r'<span class="tone bad">invalid</span>', page)


def test_figures_take_their_colours_from_the_page(page: str, svgs: dict[str, str]) -> None:
    assert "var(--fig-method)" in themed(svgs["speedups"])
    assert not re.search(r"#[0-9a-f]{6}\b", themed(svgs["speedups"]))
    dark = page[page.index("prefers-color-scheme: dark") :]
    assert all(f"--fig-{name}:" in dark[: dark.index("</style>")] for name in COLOURS)


def test_little_or_nothing_makes_a_page(degenerate) -> None:
    assert degenerate.content.title in Reader(to_page(degenerate.content, degenerate.svgs)).text
