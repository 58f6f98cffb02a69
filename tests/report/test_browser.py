"""The page in a real browser: sorted, filtered, focused, opened, printed, wide, narrow and dark."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pypdf
import pytest

from harness.report.content import Content
from harness.report.page import to_page
from tests.report.browser import Page, browsing, installed

CHROMIUM = installed()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page(
    content: Content, svgs: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(to_page(content, svgs), "utf-8")
    assert CHROMIUM is not None
    with browsing(CHROMIUM, folder / "profile") as found:
        found.open(folder / "report.html")
        yield found
        assert found.complaints == []  # nothing was asked for that the page's policy forbids


@pytest.fixture(autouse=True)
def usual(page: Page) -> None:
    page.look()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_sticks_out_at_any_width(page: Page, width: int, scheme: str) -> None:
    page.look(width, scheme)
    assert page.run("innerWidth") == width
    assert page.run(SIDEWAYS) == 0
    hidden = "[...document.querySelectorAll('.claim')].filter(e => e.offsetHeight < 40).length"
    assert page.run(hidden) == 0


def test_figures_and_ground_change_with_the_scheme(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('#figure-claim-1 .mark use')).fill"
    light = page.run(ground), page.run(line)
    page.look(scheme="dark")
    dark = page.run(ground), page.run(line)
    assert light[0] == "rgb(255, 255, 255)"
    assert all(before != after for before, after in zip(light, dark, strict=True))


def test_a_table_is_sorted_by_what_its_quantities_are_worth(page: Page) -> None:
    table = "document.getElementById('table-members').closest('table')"
    quantities = ["811 \u00b5s", "1.85 ms", "\u2013", "2.00 s", "9.00 ns", "1 234 ms"]
    page.run(
        f"{table}.tBodies[0].innerHTML = "
        + repr("".join(f"<tr><th>x</th><td>{each}</td><td></td></tr>" for each in quantities))
    )
    column = f"[...{table}.tBodies[0].rows].map(row => row.cells[1].textContent)"
    head = f"{table}.querySelectorAll('thead th')[1]"
    page.run(f"{head}.querySelector('button').click()")
    upwards = ["9.00 ns", "811 \u00b5s", "1.85 ms", "1 234 ms", "2.00 s", "\u2013"]
    assert page.run(column) == upwards
    assert page.run(f"{head}.ariaSort") == "ascending"
    page.run(f"{head}.querySelector('button').click()")
    assert page.run(column) == upwards[::-1]
    assert page.run(f"{head}.ariaSort") == "descending"


def test_rows_stay_with_their_pair(page: Page) -> None:
    table = "document.getElementById('table-pairs').closest('table')"
    groups = f"[...{table}.tBodies].map(body => [...body.rows].map(row => row.textContent).sort())"
    before = page.run(groups)
    page.run(f"{table}.querySelectorAll('thead button')[0].click()")
    assert page.run(groups) == before
    firsts = f"[...{table}.tBodies].every(body => body.rows[0].matches('.group'))"
    assert page.run(firsts) is True


def test_a_filter_leaves_the_rows_that_hold_its_words(page: Page) -> None:
    rows = (
        "[...document.getElementById('table-machine').closest('table').tBodies[0].rows]"
        ".filter(r => !r.hidden).map(r => r.cells[0].textContent.trim())"
    )
    every = page.run(rows)
    typed = (
        "(() => {const i = document.getElementById('table-machine').closest('.scroll')"
        ".querySelector('.filter input'); i.value = %r; i.dispatchEvent(new Event('input'))})()"
    )
    page.run(typed % "memory")
    assert page.run(rows) == ["memory"]
    page.run(typed % "")
    assert page.run(rows) == every


def test_a_mark_tells_its_value_to_the_keyboard_and_to_the_pointer(page: Page) -> None:
    value = (
        "[document.getElementById('value').hidden, document.getElementById('value').textContent]"
    )
    said = page.run("document.querySelector('.mark').dataset.value")
    assert said
    page.run("document.querySelector('.mark').focus()")
    assert page.run(value) == [False, said]
    page.run("document.querySelector('.mark').blur()")
    assert page.run(value)[0] is True
    page.run("document.querySelector('.mark').dispatchEvent(new PointerEvent('pointerenter'))")
    assert page.run(value) == [False, said]
    page.run("document.querySelector('.mark').dispatchEvent(new PointerEvent('pointerleave'))")


def test_the_keyboard_reaches_a_verdict_and_opens_it(page: Page) -> None:
    page.run("document.querySelectorAll('details.verdict').forEach(e => { e.open = false })")
    page.run("document.querySelector('.skip').focus()")
    for _ in range(60):
        page.press("Tab")
        if page.run("document.activeElement.matches('details.verdict > summary')"):
            break
    page.press("Enter")
    assert page.run("document.activeElement.parentElement.open") is True
    assert page.run("document.activeElement.parentElement.querySelectorAll('dt').length") > 5


def test_a_link_to_a_verdict_opens_it(page: Page) -> None:
    page.run("document.querySelectorAll('details.verdict').forEach(e => { e.open = false })")
    page.run("location.hash = document.querySelectorAll('details.verdict')[1].id")
    page.run("dispatchEvent(new HashChangeEvent('hashchange'))")
    opened = "[...document.querySelectorAll('details.verdict')].map(e => e.open)"
    assert page.run(opened)[:3] == [False, True, False]


def test_print_holds_every_claim_and_nothing_lies_upon_another(
    page: Page, content: Content
) -> None:
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(page.printed())).pages)
    for line in content.claims:
        assert "".join(line.claim.split()) in "".join(text.split())
    page.look(700, media="print")
    overlaps = """(() => {
      const boxes = [...document.querySelectorAll('h2, .claim, figure, .scroll, .alert, pre')]
        .filter(e => e.offsetHeight && !e.closest('.claim:not(:scope)') || e.matches('.claim'))
        .filter(e => e.matches('.claim') || !e.closest('.claim'))
        .map(e => [e.getBoundingClientRect(), e.id || e.className || e.tagName]);
      const found = [];
      boxes.forEach(([a, i], m) => boxes.slice(m + 1).forEach(([b, j]) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && high > 2) found.push(i + ' / ' + j);
      }));
      return found;
    })()"""
    assert page.run(overlaps) == []
