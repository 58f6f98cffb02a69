"""Words from plugins, suites and errors stay words, whatever they are made of."""

from __future__ import annotations

import dataclasses
import io
import re
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.judge.judgement import Failure
from harness.report.content import Content
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.terminal import print_summary
from harness.report.words import clean
from tests.report.composing import compose

HOSTILE = [
    "<script>alert(1)</script>",
    "</svg></style><img src=x onerror=alert(1)>",
    "--><b>bold</b><!--",
    '"onmouseover="x" {{ 7 * 7 }} {% raw %}',
    '#eval("1") #panic() @label <label> // comment /* open',
    "*bold* _it_ `raw` = heading\n- item",
    "$ x^2 $ \\frac{1}{2} \\ back\\slash $",
    "W" * 400,
    "a/" * 200,
    "Ωμέγα 数据 данные नमस्ते ‮right-to-left‬ 🙂 e\u0301",
    "\x1b[2J\x00\x07\ud800\ufffe",
    "[bold]rich[/bold] :smile:",
    "",
    " ",
]

words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def hostile(run, name: str, reason: str) -> Content:
    failure = Failure("baseline", "step", "failed", reason, 3)
    changed = run.renamed(1, name).with_pair(3, failures=(failure,))
    manifest = dataclasses.replace(changed.manifest, command=f"python -m harness {reason}")
    judgement = dataclasses.replace(changed.judgement, warnings=(reason,))
    return compose(manifest, changed.records, judgement)


@pytest.fixture(scope="module")
def tags(run, svgs: dict[str, str]) -> set[str]:
    """Return the elements of a page in which harmless words stand where the hostile ones will."""
    return set(Tags(to_page(hostile(run, "name", "reason"), svgs)).seen)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=words, reason=words)
def test_words_add_no_element_to_the_page(
    run, svgs: dict[str, str], tags: set[str], name: str, reason: str
) -> None:
    content = hostile(run, name, reason)
    page = to_page(content, svgs)
    read = Tags(page)
    assert set(read.seen) <= tags
    assert read.handlers == []
    assert "\x1b" not in page
    assert clean(name) in unescape(page)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=words)
def test_any_words_can_be_drawn(run, name: str) -> None:
    figures = hostile(run, name, "").figures
    shown = [figure for figure in figures if figure.name in ("speedups", "curves")]
    assert len(shown) == 2
    for figure in shown:
        assert ElementTree.fromstring(figure.svg()).tag.endswith("svg")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=words, reason=words)
def test_any_words_can_be_set_on_paper(run, svgs: dict[str, str], name: str, reason: str) -> None:
    assert to_pdf(hostile(run, name, reason), svgs).startswith(b"%PDF")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=words, reason=words, width=st.sampled_from([80, 100]))
def test_any_words_can_be_printed(run, name: str, reason: str, width: int) -> None:
    stream = io.StringIO()
    print_summary(hostile(run, name, reason), stream, width)
    assert "\x1b" not in stream.getvalue()
    stream.getvalue().encode()


@pytest.mark.parametrize("text", HOSTILE[:7])
def test_markup_appears_on_paper_as_it_was_written(run, svgs: dict[str, str], text: str) -> None:
    content = hostile(run, text, text)
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(content, svgs))).pages
    said = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    assert re.sub(r"\s+", "", clean(text)) in said
