"""The table of formats: each one's name, what it is for, and the module that writes it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.errors import PASSED, StoreError, UnknownName, UsageError

if TYPE_CHECKING:
    from harness.results import Results


@dataclass(frozen=True)
class Exported:
    """What an export writes, and the exit code of the command that asked for it.

    files  by their paths below the folder that is written; a single file stands under ""
    """

    files: Mapping[str, bytes]
    exit_code: int = PASSED


class Export(Protocol):
    """The function of a format; `options` are the format's own words, as they were given."""

    def __call__(self, run: Results, options: Mapping[str, str]) -> Exported: ...


@dataclass(frozen=True)
class Format:
    """A format that a run can be exported to."""

    summary: str
    file: str  # what it is called beside the run's own files
    target: str  # "module:function"
    options: Mapping[str, str] = field(default_factory=dict)  # beside format= and out=

    def load(self) -> Export:
        module, _, function = self.target.partition(":")
        found: Export = getattr(importlib.import_module(module), function)
        return found


FAIL = {
    "fail": "the words that fail a claim, separated by commas, for format=junit (default: "
    "smaller,none,reversed,invalid)"
}

FORMATS = {
    "asv": Format("a results folder of airspeed velocity", "asv", "harness.exports.asv:as_results"),
    "bencher": Format(
        "Bencher Metric Format, for `bencher run`",
        "bencher.json",
        "harness.exports.bencher:as_metrics",
    ),
    "junit": Format(
        "the verdicts as tests, for continuous integration",
        "verdicts.xml",
        "harness.exports.junit:as_tests",
        FAIL,
    ),
    "parquet": Format(
        "all measured values in benchopt's columns",
        "benchopt.parquet",
        "harness.exports.parquet:as_parquet",
    ),
    "pyperf": Format(
        "the timings, for `pyperf stats`, `hist` and `check`",
        "pyperf.json",
        "harness.exports.pyperf:as_suite",
    ),
}


def format_named(name: str | None, given: Mapping[str, str]) -> Format:
    """Return the format that was asked for, which must know every option that was given."""
    listing = "; ".join(f"{name}: {each.summary}" for name, each in FORMATS.items())
    if name is None:
        raise UsageError(f"export needs a format. Write format=NAME: {listing}.")
    if name not in FORMATS:
        raise UnknownName("format", name, FORMATS)
    for option in given:
        if option not in FORMATS[name].options:
            takes = [known for known, each in FORMATS.items() if option in each.options]
            raise UsageError(
                f"format={name} takes no {option}=. Leave it out, or use "
                f"format={' or format='.join(takes)}."
            )
    return FORMATS[name]


def write(exported: Exported, out: Path) -> None:
    """Write the files, each whole or not at all."""
    from harness.records.store import replace_file

    for name, content in exported.files.items():
        path = out / name if name else out
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"out={out}: {error.strerror or error}. Name another one.") from None
        if path.is_dir():
            raise StoreError(f"out={out}: {path} is a folder. Name a file.")
        replace_file(path, content, "Name a file in a folder with free space, where you may write.")
