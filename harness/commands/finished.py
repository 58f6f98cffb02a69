"""Commands on finished runs: reported, traced, packed, repeated, compared, exported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.config import listed, run_config, split_words
from harness.errors import PASSED, UsageError
from harness.options import COMPARE, EXPORT, FOUND, PACK, REPRODUCE, plugins_in
from harness.registry import ROOT
from harness.reporting import read_run, report_history, write_report
from harness.signals import interrupted


def report(options: argparse.Namespace) -> int:
    """Rebuild a run's report from its records, or draw a history of gates over commits."""
    from harness.records.pack import is_pack

    path = options.run
    may_be_a_history = (path.is_file() or path.suffix == ".jsonl") and not path.is_dir()
    if may_be_a_history and not is_pack(path):
        report_history(options.run, options.json)
    else:
        write_report(options.run, plugins_in(options.words), options.json)
    return 0


def explain(options: argparse.Namespace) -> int:
    """Trace a verdict, or any other figure, back to the records that it rests on."""
    from harness.report.explain import as_json, as_text, explained

    asked = [word for word in options.words if "=" not in word]
    if len(asked) > 2:
        raise UsageError(
            f"unexpected argument {asked[2]!r}. Give a pair of the run and a measure of the pair."
        )
    pair, measure = (*asked, None, None)[:2]
    run = read_run(options.run, plugins_in([word for word in options.words if "=" in word]))
    found = explained(run.evidence, run.judgement, pair, measure)
    told = (
        as_json(found, str(options.run))
        if options.json
        else as_text(found, str(options.run), measure is not None)
    )
    print(told)
    return 0


def pack(options: argparse.Namespace) -> int:
    """Write a run into one file, with hashes of all that it holds."""
    from harness.commands.packing import pack_run

    given = split_words(options.words, PACK)
    out = Path(given["out"]) if "out" in given else None
    print(f"pack: {pack_run(options.run, listed('plugin', given), out)}")
    return 0


def reproduce(options: argparse.Namespace) -> int:
    """Measure a finished run's plan again here, and say which figures agree."""
    given = split_words(options.words, REPRODUCE)
    other = given.pop("with", None)
    if other is not None and (extra := set(given) - {"out", "plugin"}):
        raise UsageError(f"with= measures nothing: leave out {', '.join(sorted(extra))}.")
    config = run_config([f"{name}={word}" for name, word in given.items()])
    from harness.commands.reproducing import held_to, measured_again, write_page
    from harness.report.reproduced import as_json, as_text

    code = PASSED
    if other is None:
        try:
            found, folder, code = measured_again(options.run, config)
        except KeyboardInterrupt as error:
            return interrupted(error, ". The records so far are kept: finish it by `run resume=`.")
        print(f"report: {folder / 'report.html'}", file=sys.stderr)
    else:
        runs = [read_run(path, config.plugins) for path in (options.run, Path(other))]
        found = held_to(*runs)
        if config.out is not None:
            write_page(found, config.out)
    print(as_json(found) if options.json else as_text(found), end="")
    return found.exit_code or code


def compare(options: argparse.Namespace) -> int:
    """Compare runs of the same pairs with the first of them."""
    folders = [word for word in options.words if "=" not in word]
    given = split_words([word for word in options.words if "=" in word], COMPARE)
    if len(folders) < 2:
        raise UsageError("compare needs at least two runs. Write compare FOLDER FOLDER.")
    from harness.judge.comparison import compare_all
    from harness.report.compared import FILE, as_json, as_text, compose_comparison

    plugins = listed("plugin", given)
    runs = [read_run(Path(folder), plugins) for folder in folders]
    compared = compare_all(*(run.judged for run in runs))
    print(as_json(compared) if options.json else as_text(compared), end="")
    if "out" in given:
        from harness.report.write import write_content

        write_content(Path(given["out"]), compose_comparison(compared), {FILE: as_json(compared)})
    return compared.exit_code


def export(options: argparse.Namespace) -> int:
    """Write a run for another tool, or its verdicts as tests."""
    from harness.exports.formats import format_named, write

    given = split_words(options.words, EXPORT)
    plugins, out = listed("plugin", given), given.get("out")
    asked = {name: word for name, word in given.items() if name not in ("format", "out", "plugin")}
    known = format_named(given.get("format"), asked)
    run = read_run(options.run, plugins)
    exported = known.load()(run, asked)
    target = Path(out) if out else run.folder / known.file
    write(exported, target)
    print(f"{given['format']}: {target}")
    return exported.exit_code


def found(options: argparse.Namespace) -> int:
    """List what runs found of each published claim, as a table in Markdown."""
    from harness.declare.claims import load_claims
    from harness.report.found import Found, found_table, write_into

    folders = [Path(word) for word in options.words if "=" not in word]
    given = split_words([word for word in options.words if "=" in word], FOUND)
    runs = [Found.of(folder) for folder in folders]
    table = found_table(runs, list(load_claims(ROOT / "suites" / "claims.toml").values()))
    if "into" in given:
        write_into(Path(given["into"]), table)
    else:
        print(table, end="")
    return 0
