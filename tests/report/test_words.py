"""Words from elsewhere are made harmless without becoming unreadable."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.judge.statistics import Interval, PairedInterval
from harness.report.words import basis, clean, cleaned, full_stop, listed, shorten


@dataclass(frozen=True)
class Leaf:
    text: str
    number: float | None


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]


def test_what_steers_a_terminal_is_taken_out() -> None:
    assert clean("\x1b[31mred\x1b[0m\x00") == "\ufffd[31mred\ufffd[0m\ufffd"


def test_lines_become_one() -> None:
    assert clean("first\nsecond\tthird\u2028fourth") == "first second third fourth"


def test_what_turns_text_around_is_taken_out() -> None:
    assert clean("ab\u202edc\u2066") == "abdc"


def test_half_a_surrogate_pair_can_be_written_afterwards() -> None:
    assert clean("\ud800").encode() == "\ufffd".encode()


def test_letters_of_all_scripts_stay() -> None:
    text = "Ωμέγα 数据 данные नमस्ते 🙂 x\u00a0y"
    assert clean(text) == text


def test_a_tree_is_cleaned_to_its_leaves() -> None:
    tree = Tree((Leaf("a\x07", 1.5), Leaf("b", None)))
    assert cleaned(tree) == Tree((Leaf("a\ufffd", 1.5), Leaf("b", None)))


def test_a_shortened_text_keeps_both_ends() -> None:
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abcde", 5) == "abcde"


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_listed(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_a_full_stop_is_set_once() -> None:
    assert (full_stop("done"), full_stop("done."), full_stop("")) == ("done.", "done.", "")


@pytest.mark.parametrize(
    ("measure", "interval", "text"),
    [
        ("step_time", Interval(2, 1, 3, 12, "BCa bootstrap"), "12 rounds"),
        ("step_time", Interval(2, 2, 2, 1, "one value, no interval"), "1 round, no interval"),
        ("time_to_target", Interval(2, 1, 3, 8, "BCa bootstrap"), "n = 8"),
        ("time_to_target", Interval(2, 1, 3, 3, "span of all values"), "span of 3 values"),
        ("step_time", Interval(2, 1, 3, 7, "span of all values"), "span of 7 rounds"),
        ("step_time", Interval(2, 1, 3, 8, "BCa bootstrap"), "8 rounds"),
        ("flops", Interval(2, 1, 3, 3, "counted"), "counted"),
        ("flops", Interval(2, 2, 2, 1, "counted"), "counted"),
        (
            "step_time",
            PairedInterval(2, 1, 3, 8, "BCa bootstrap", only_baseline=2),
            "8 rounds, 2 unpaired left out",
        ),
    ],
)
def test_a_ratio_says_what_it_rests_on(measure: str, interval: Interval, text: str) -> None:
    assert basis(measure, interval).replace("\u00a0", " ") == text
