"""The guide's commands are such as `run` takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.config import ENGINES, run_config

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "engines.md").read_text()
COMMANDS = re.findall(r"^(?:SBATCH_\w+=\w+ )*python -m harness run (.*)$", GUIDE, re.MULTILINE)


def test_it_shows_every_engine():
    engines = {config.engine for config in map(run_config, map(words, COMMANDS))}
    assert engines == set(ENGINES)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_name_suites_and_options_that_exist(command: str):
    config = run_config(words(command))
    assert (ROOT / "suites" / f"{config.suite}.toml").is_file()


def words(command: str) -> list[str]:
    return [word.replace("=DATA", f"={ROOT}") for word in shlex.split(command.partition("#")[0])]
