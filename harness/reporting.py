"""From what a run or a history left to its report: read, judge, write, tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import open_run
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.report.content import Content
    from harness.results import Results


def write_report(path: Path, plugins: tuple[str, ...] = (), as_json: bool = False) -> None:
    """Judge a run's records, write its report beside them, and tell what it says."""
    run = read_run(path, plugins)
    content, told = write_files(run)
    _tell_report(content, run.folder, told if as_json else None)


def write_files(run: Results) -> tuple[Content, str]:
    """Write all that follows from a run's records, and return what it says, for people and not."""
    from harness.records.frame import FILE, to_csv
    from harness.records.pyperf_export import export
    from harness.records.store import replace_file
    from harness.report.content import compose
    from harness.report.write import claims_json, make_folder, write_content

    folder, studies = run.folder, run.registry.studies
    make_folder(folder)
    export(folder, run.shown)
    replace_file(folder / FILE, to_csv(run.shown))
    content = compose(run.evidence, run.judgement, studies)
    told = claims_json(run.evidence, run.judgement, studies)
    write_content(folder, content, {"claims.json": told})
    return content, told


def report_history(path: Path, as_json: bool) -> None:
    """Draw a history of gates over commits, in a folder beside it, and tell what changed."""
    from harness.history.chains import series_of
    from harness.history.entries import read
    from harness.history.json import changes_json
    from harness.history.show import compose_history
    from harness.report.write import write_content

    history = read(path)
    for note in history.notes:
        print(f"note: {note}", file=sys.stderr)
    if not history.entries:
        raise UsageError(f"{path}: no lines written by a gate. Name a history or a run folder.")
    courses = series_of(history.entries)
    content = compose_history(path.name, history.entries, courses)
    told = changes_json(courses)
    folder = path.with_name(f"{path.stem}-report")
    if folder.is_symlink():
        raise UsageError(f"{folder}: a link, behind which nothing is written. Remove it.")
    write_content(folder, content, {"changes.json": told})
    _tell_report(content, folder, told if as_json else None)


def _tell_report(content: Content, folder: Path, as_json: str | None) -> None:
    from harness.report.terminal import print_summary

    if as_json is not None:
        print(as_json, end="")
        return
    print_summary(content, sys.stdout)
    print(f"report: {folder / 'report.pdf'} and report.html beside it")


def read_run(path: Path, plugins: tuple[str, ...] = ()) -> Results:
    """Return what a run left, in its folder or a pack, and say what was amiss with it."""
    run = open_run(path, *plugins)
    for note in run.notes:
        print(f"note: {note}", file=sys.stderr)
    return run
