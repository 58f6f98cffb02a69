"""What a run ends with can be read on a terminal and in a file."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest

from harness.report.content import Content
from harness.report.terminal import print_summary
from tests.report.composing import compose
from tests.report.example import example_run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def printed(content: Content, width: int | None = None) -> str:
    stream = io.StringIO()
    print_summary(content, stream, width)
    return stream.getvalue()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


@pytest.mark.parametrize("width", [80, 100, 160])
def test_lines_fit_and_nothing_that_matters_is_cut_off(content: Content, width: int) -> None:
    text = printed(content, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    lines = squeezed(text)
    verdicts = content.verdicts
    assert verdicts is not None
    for group in verdicts.groups:
        assert squeezed(group.title) in lines
        for row in group.rows:
            for head in ("Published", "Measured [95 %]"):
                assert squeezed(row[verdicts.index(head)].text) in lines
            assert re.search(rf"  {row[verdicts.index('Verdict')].text}$", text, re.MULTILINE)


def test_a_file_gets_plain_lines_of_a_hundred_columns(content: Content) -> None:
    text = printed(content)
    assert "\x1b" not in text
    assert not re.search("[\u2500-\u257f]", text)
    assert "\u00a0" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert 90 < max(map(len, text.splitlines())) <= 100


def test_a_terminal_gets_colours_and_the_same_words(content: Content) -> None:
    stream = Terminal()
    print_summary(content, stream, 100)
    coloured = stream.getvalue()
    assert "\x1b[1;32mmet" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == printed(content, 100).split()


def test_a_reason_stands_beside_a_word_that_grants_nothing(content: Content) -> None:
    text = squeezed(printed(content, 160))
    assert "gpus=4 (found: no GPU)" in text
    assert "The gradient check of shared_gradients failed." in text
    assert "python -m baselines.install torchmeta" in text


def test_warnings_come_first(run) -> None:
    changed = run.judged(warnings=("the machine was busy",))
    text = printed(compose(changed.manifest, changed.records, changed.judgement))
    assert text.startswith("Warning: The machine was busy.")


def test_a_stream_without_the_signs_gets_question_marks(content: Content) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_summary(content, stream)
    stream.flush()
    assert b"2.00?" in raw.getvalue()


def test_markup_in_a_name_is_printed_as_it_is(run) -> None:
    changed = run.renamed(1, "[bold red]name[/] :smile: \x1b[31m")
    text = printed(compose(changed.manifest, changed.records, changed.judgement))
    assert "[bold red]name[/] :smile: \ufffd[31m" in text
    assert "\x1b" not in text


def test_little_or_nothing_can_be_printed(degenerate) -> None:
    assert max(map(len, printed(degenerate.content, 80).splitlines())) <= 80


def test_words_keep_a_few_letters_on_a_narrow_terminal(content: Content) -> None:
    text = printed(content, 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "  backward" in text
    assert "  peak memory" in text


@pytest.mark.parametrize("closed", [True, False])
def test_without_a_standard_output_nothing_is_printed_and_nothing_breaks(
    content: Content, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr("sys.stdout", stream if closed else None)
    print_summary(content)


def test_what_steers_a_terminal_is_taken_out_of_any_content(content: Content) -> None:
    hostile = dataclasses.replace(content, warnings=("\x1b[2Jgone\x07",))
    text = printed(hostile)
    assert text.startswith("Warning: \ufffd[2Jgone\ufffd\n")


def test_a_few_rounds_are_a_span(run) -> None:
    few = example_run(seeds=(0,), rounds=4)
    text = squeezed(printed(compose(few.manifest, few.records, few.judgement), 100))
    assert "Brackets hold the span of 4 rounds, not an interval." in text
    assert re.search(r"\] span of 4 rounds", text)
