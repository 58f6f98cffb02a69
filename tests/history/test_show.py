"""A history's report shows what changed and what is not known, and is the same bytes each time."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pypdf
import pytest

from harness.history.chains import series_of
from harness.history.entries import Entry
from harness.history.figure import History
from harness.history.json import changes_json
from harness.history.show import compose_history
from harness.report.content import Content
from harness.report.figures.svg import COLOURS
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.terminal import print_summary
from harness.report.write import write_content
from tests.history.made import MACHINE, commit, counted, timed

SLOWER, HEAVIER = 6, 9
GAP_AFTER = 12


def entries() -> list[Entry]:
    """Twenty commits with a gap: one of them slower, one heavier by a byte, one mismatched."""
    found = []
    for number in (*range(1, GAP_AFTER + 1), *range(GAP_AFTER + 3, 23)):
        found.append(timed(number, 1.1 if number == SLOWER else 1.0))
        before = 10_000_000 + (number > HEAVIER)
        found.append(counted(number, before, before + (number == HEAVIER)))
        found.append(counted(number, 500, 500, measure="flops", unit="operations"))
    nothing = {"ratio": None, "low": None, "high": None, "base_value": None, "head_value": None}
    wrong = {"measure": "gradient", "unit": None, "word": "mismatch", "reason": "it is wrong"}
    return [*found, dataclasses.replace(timed(4), **nothing, **wrong)]


def content_of(found: list[Entry], name: str = "history.jsonl") -> Content:
    return compose_history(name, found, series_of(found))


@pytest.fixture(scope="module")
def content() -> Content:
    return content_of(entries())


@pytest.fixture(scope="module")
def svgs(content: Content) -> dict[str, str]:
    return {figure.name: figure.svg() for figure in content.figures}


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


def printed(content: Content, width: int = 100) -> str:
    stream = io.StringIO()
    print_summary(content, stream, width)
    return stream.getvalue()


def short(number: int) -> str:
    return commit(number)[:8]


def panels(content: Content):
    (figure,) = content.figures
    assert isinstance(figure.shows, History)
    return {panel.measure: panel for panel in figure.shows.panels}


def test_time_and_bytes_are_drawn_and_counts_that_never_changed_are_not(content: Content):
    assert list(panels(content)) == ["step time", "peak memory"]


def test_a_count_that_changed_is_drawn():
    found = [counted(1, 500, 501, measure="flops", unit="operations")]
    assert list(panels(content_of(found))) == ["operations"]


def test_lines_are_apart_where_nothing_was_measured(content: Content):
    for panel in panels(content).values():
        first, second = panel.lines
        assert (first.commits[0], first.commits[-1]) == (short(0), short(GAP_AFTER))
        assert (second.commits[0], second.commits[-1]) == (short(GAP_AFTER + 2), short(22))


def test_changes_are_marked_at_their_commits(content: Content):
    marked = {
        measure: [line.commits[mark.last] for line in panel.lines for mark in line.marks]
        for measure, panel in panels(content).items()
    }
    assert marked == {"step time": [short(SLOWER)], "peak memory": [short(HEAVIER)]}


def test_the_dashed_line_holds_the_changes_alone():
    found = [timed(n, 1.1 if n == SLOWER else 1.002) for n in range(1, 15)]
    (line,) = panels(content_of(found))["step time"].lines
    assert line.established[: SLOWER - 1] == (1,) * (SLOWER - 1)
    assert line.established[SLOWER:] == pytest.approx([1.1] * (15 - SLOWER))
    assert line.values[-1] > 1.12


def test_bands_grow_and_hold_the_line(content: Content):
    for line in panels(content)["step time"].lines:
        widths = [high / low for low, high in zip(line.lows, line.highs, strict=True)]
        assert widths == sorted(widths)
        assert widths[0] == 1
        assert all(a <= b <= c for a, b, c in zip(line.lows, line.values, line.highs, strict=True))


def test_a_change_is_told_with_its_commit_its_size_and_what_the_gate_said(content: Content):
    text = squeezed(printed(content, 160))
    assert re.search(rf"step time {short(SLOWER)} 1\.10× \[1\.0\d+, 1\.1\d+\] slower same", text)
    assert re.search(rf"{short(HEAVIER)} 10000000 to 10000001 bytes more same", text)
    assert f"2026-01-07, against {short(SLOWER - 1)}" in text


def test_what_creeps_is_said_to_lie_somewhere():
    found = [
        timed(n, 1.015 if 5 <= n <= 10 else 1.0, half=0.01, noise_floor=0.008) for n in range(1, 25)
    ]
    text = squeezed(printed(content_of(found), 160))
    said = r"(\w{8}) to (\w{8}) 1\.\d+× .{,20} slower same somewhere among 2 commits"
    stretch = re.search(said, text)
    assert stretch is not None
    assert {int(end, 16) for end in stretch.groups()} <= set(range(5, 11))


def test_a_mismatch_is_shown_though_it_has_no_course(content: Content):
    table = content.table("said")
    assert table is not None
    ((row,),) = [group.rows for group in table.groups]
    assert [cell.text for cell in row[1:]] == [
        "batched_maml on sinusoid",
        "mismatch",
        "It is wrong.",
    ] or row[2].text == "mismatch"


def test_machines_are_told_apart():
    other = timed(2, 1.3, machine=MACHINE | {"cpu": "Xeon"})
    found = content_of([timed(1), other])
    assert len(found.figures) == 2
    text = squeezed(printed(found, 160))
    assert "(AMD EPYC 9654, 2 cores, 2 threads)" in text
    assert "(Xeon, 2 cores, 2 threads)" in text


def test_why_lines_count_for_nothing_is_said():
    found = content_of([timed(1), timed(2, rounds=3), timed(3, rounds=3)])
    table = found.table("unusable")
    assert table is not None
    ((row,),) = [group.rows for group in table.groups]
    assert row[2].text == "It has 3 of the 6 rounds that an interval needs."
    assert row[3].text == "2"


def test_counts_that_do_not_repeat_are_warned_of():
    found = content_of([counted(1, 100, 100), counted(2, 120, 120)])
    assert any("counted as 100 and as 120" in warning for warning in found.warnings)


def test_a_history_of_nothing_usable_is_a_report_too():
    found = content_of([timed(1, rounds=1)])
    assert found.figures == ()
    assert "No change was found." in found.abstract[1]
    assert to_pdf(found, {}).startswith(b"%PDF")


def test_no_commit_is_shown_but_by_its_short_hash(content: Content, svgs: dict[str, str]):
    page = to_page(content, dict.fromkeys(svgs, ""))
    assert not re.search(r"[0-9a-f]{9}", page[: page.index("<script")])


def test_the_report_is_the_same_bytes_each_time(content: Content, svgs: dict[str, str]):
    again = content_of(entries())
    assert {figure.name: figure.svg() for figure in again.figures} == svgs
    assert to_pdf(again, svgs) == to_pdf(content, svgs)
    assert changes_json(series_of(entries())) == changes_json(series_of(entries()))


def test_figures_use_colours_that_a_page_can_replace(svgs: dict[str, str]):
    used = {colour for svg in svgs.values() for colour in re.findall(r"#[0-9a-f]{6}\b", svg)}
    assert used <= set(COLOURS.values())


def test_the_paper_says_what_the_tables_say(content: Content, svgs: dict[str, str]):
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(content, svgs))).pages
    said = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    for section in content.sections:
        for table in section.tables:
            for row in (row for group in table.groups for row in group.rows):
                assert all(re.sub(r"\s+", "", cell.text) in said for cell in row)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_lines_fit_a_terminal(content: Content, width: int):
    assert max(map(len, printed(content, width).splitlines())) <= width


def test_json_names_commits_and_ratios():
    told = json.loads(changes_json(series_of(entries())))
    step = next(series for series in told["series"] if series["measure"] == "step_time")
    (change,) = step["changes"]
    assert (change["first"], change["last"]) == (commit(SLOWER), commit(SLOWER))
    assert change["base"] == commit(SLOWER - 1)
    assert change["word"] == "slower"
    assert change["ratio"] == pytest.approx(1.1)
    assert 1 < change["low"] < change["ratio"] < change["high"]
    assert [len(chain["commits"]) for chain in step["chains"]] == [GAP_AFTER, 8]


def test_figures_of_an_earlier_report_are_taken_away(content: Content, tmp_path: Path):
    (tmp_path / "figures").mkdir()
    (drawn,) = content.figures
    earlier = dataclasses.replace(drawn, name="history-9").svg()
    (tmp_path / "figures" / "history-9.svg").write_text(earlier)
    write_content(tmp_path, content, {"changes.json": "{}"})
    assert [path.name for path in (tmp_path / "figures").glob("*.svg")] == ["history.svg"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> --> </svg>",
        '#eval("1") $x$ \\frac{1}{2} [bold]b[/] {{ 7 }}',
        "W" * 400,
        "\x1b[2J\x00\ud800 数据 \u202eleft",
        "",
    ],
)
def test_words_of_others_stay_words(text: str):
    odd = {"subject": text, "word": text, "reason": text, "measure": text, "unit": text or None}
    found = [
        *(timed(n, 1.3 if n == 2 else 1.0, **odd, machine=MACHINE | {"cpu": text}) for n in (1, 2)),
        counted(1, 100, 120, subject=text, unit=text),
        timed(3, rounds=1, **{**odd, "measure": "step_time"}),
    ]
    told = content_of(found, name=f"{text}.jsonl")
    svgs = {figure.name: figure.svg() for figure in told.figures}
    for svg in svgs.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    page = to_page(told, svgs)
    assert page.count("<script") == 2  # the page's own
    assert "\x1b" not in page
    page.encode()
    assert to_pdf(told, svgs).startswith(b"%PDF")
    assert "\x1b" not in printed(told)
    json.loads(changes_json(series_of(found)))


@pytest.mark.parametrize("number", [1, 2, 70, 400])
def test_histories_of_any_length_can_be_drawn(number: int):
    found = [timed(n, 1.2 if n % 7 == 0 else 1.0) for n in range(1, number + 1)]
    found += [counted(n, 100, 100) for n in range(1, number + 1)]
    for figure in content_of(found).figures:
        assert ElementTree.fromstring(figure.svg()).tag.endswith("svg")


def test_absurd_ratios_can_be_drawn():
    found = [timed(n, 9e3 if n % 2 else 1.1) for n in range(1, 200)]
    found += [counted(1, 1, 10**99)]
    for figure in content_of(found).figures:
        figure.svg()
