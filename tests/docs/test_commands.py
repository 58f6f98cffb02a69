"""Every command that a page shows is one that the harness takes, on suites and pairs that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.cli import COMMANDS
from harness.config import run_config, split_words
from harness.declare.suite import find_suite, read_suite
from harness.gate.config import gate_config
from harness.measure.preparation import SUITES
from harness.options import DATA, EXPORT, PACK, REPRODUCE, read_options
from harness.registry import Registry

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^(?:[A-Z_]+=\S+ |git bisect run )*python -m harness (.*)$", re.MULTILINE)
SHOWN = [
    (page.relative_to(ROOT).as_posix(), line.partition("#")[0])
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for line in LINE.findall(page.read_text())
]
TAKEN = {"data": DATA, "export": EXPORT, "pack": PACK, "reproduce": REPRODUCE}
OF_THE_READER = re.compile(r"\b(fomaml|strokes|first_step)\b")
"""Plugins that a page shows whole; the test of that page runs what it says of them."""


def test_pages_show_every_command_but_those_that_help_names_alone():
    shown = {line.split()[0] for _, line in SHOWN}
    assert shown >= set(COMMANDS) - {"probe", "found"}


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_command_of_a_page_is_taken(page: str, line: str, tmp_path: Path) -> None:
    words = [word.replace("=DATA", f"={tmp_path}") for word in shlex.split(line)]
    if words[-1] == "data_dir=data":
        words[-1] = f"data_dir={tmp_path}"
    options = read_options(words, COMMANDS)
    if words[0] == "run":
        _require_suite_and_pairs(options.words)
    elif words[0] == "gate":
        assert gate_config([word for word in options.words if not word.startswith("history=")])
    elif words[0] == "check" and not OF_THE_READER.search(line):
        assert Registry().find(options.name, "method", "baseline")
    elif words[0] in TAKEN:
        assert split_words(options.words, TAKEN[words[0]]) or not options.words


def _require_suite_and_pairs(words: list[str]) -> None:
    config = run_config(words)
    if config.resume is None and not config.suite.endswith(".toml"):
        suite = read_suite(find_suite(config.suite, SUITES))
        assert suite.only(config.pairs).pair if config.pairs else suite.pair
