"""The command line: one thin function a subcommand."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

from harness.config import existing_folder, listed, run_config, split_words
from harness.errors import (
    NOTHING,
    PARTLY,
    PASSED,
    HarnessError,
    PeerMissing,
    UnknownName,
    UsageError,
)
from harness.gate.config import gate_config
from harness.options import (
    COMPARE,
    DATA,
    EXPORT,
    FOUND,
    LISTED,
    PACK,
    PLUGIN,
    REPRODUCE,
    Command,
    read_options,
)
from harness.registry import ROOT, Entry, Registry
from harness.reporting import read_run, report_history, write_report
from harness.signals import Ended, ending_in_order

BUG = 70


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; what the user can mend ends without a traceback."""
    try:
        options = read_options(arguments, COMMANDS)
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except HarnessError as error:
        print("error:", *str(error).splitlines(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        print("interrupted. The records so far are kept: go on with resume=.", file=sys.stderr)
        return error.exit_code if isinstance(error, Ended) else 130
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # it names the file: one whose name is too long, say
        print(f"error: {error}", file=sys.stderr)
        return UsageError.exit_code
    except Exception:  # a bug of ours, not to be taken for "regressed", which is 1
        traceback.print_exc()
        return BUG


def run(options: argparse.Namespace) -> int:
    """Measure a suite and write its report."""
    config = run_config(options.words)
    from harness.doctor.disturbances import line_of
    from harness.measure.engines.choice import engine_of
    from harness.measure.preparation import RESULTS, prepare, resume
    from harness.measure.progress import progress_for
    from harness.running import measure_whole
    from harness.team.rendezvous import require_one_process

    require_one_process("the run")
    progress = progress_for(sys.stderr)
    folder = (config.resume or config.out or RESULTS / "run").parent
    with ending_in_order(), engine_of(config, folder) as engine:
        ready = (
            resume(config, engine)
            if config.resume
            else prepare(config, _command(options.words), engine)
        )
        progress.noted(line_of(ready.disturbed_by))
        progress.noted(f"writing records to {ready.store.folder}")
        store = measure_whole(ready, engine, progress)
    write_report(store.folder, config.plugins)
    if not ready.measured:
        print("error: nothing was measured; the report says why.", file=sys.stderr)
        return NOTHING
    if without := ready.without_measurement:
        print(f"error: nothing was measured of {', '.join(without)}.", file=sys.stderr)
        return PARTLY
    return PASSED


def report(options: argparse.Namespace) -> int:
    """Rebuild a run's report from its records, or draw a history of gates over commits."""
    from harness.records.pack import is_pack

    path = options.run
    may_be_a_history = (path.is_file() or path.suffix == ".jsonl") and not path.is_dir()
    if may_be_a_history and not is_pack(path):
        report_history(options.run, options.json)
    else:
        write_report(options.run, _plugins(options.words), options.json)
    return 0


def list_(options: argparse.Namespace) -> int:
    """List baselines, methods, workloads, studies, suites and claims."""
    from harness.declare.claims import load_claims
    from harness.declare.suite import read_suite

    wanted = [word for word in options.words if "=" not in word]
    for kind in wanted:
        if kind not in LISTED:
            raise UnknownName("kind", kind, LISTED, "Leave it out to list all.")
    registry = Registry(_plugins([word for word in options.words if "=" in word]))
    suites = ROOT / "suites"
    listing: dict[str, list[dict[str, Any]]] = {
        kinds: [_about(entry) for entry in registry.entries(kind)]
        for kind, kinds in (
            ("baseline", "baselines"),
            ("method", "methods"),
            ("workload", "workloads"),
            ("study", "studies"),
        )
    }
    read = [read_suite(path) for path in sorted(suites.glob("*.toml")) if path.stem != "claims"]
    listing["suites"] = [{"name": suite.name, "summary": suite.summary} for suite in read]
    own = [claim for suite in read for claim in suite.claim]
    claims = [*load_claims(suites / "claims.toml").values(), *own]
    listing["claims"] = [{"name": claim.name, "summary": claim.summary} for claim in claims]
    for fault in registry.faults:
        print(f"warning: {fault}", file=sys.stderr)
    chosen = {kind: listing[kind] for kind in wanted or LISTED}
    if options.json:
        print(json.dumps(chosen, indent=1, ensure_ascii=False))
        return 0
    for kind, entries in chosen.items():
        print(f"{kind}:")
        width = max((len(entry["name"]) for entry in entries), default=0)
        for entry in entries:
            peer = _peer_words(registry.find(entry["name"], kind[:-1])) if "peer" in entry else ""
            print(f"  {entry['name']:<{width}}  {entry['summary']}{peer}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Check a learner's gradient against the reference."""
    # What a plugin prints must not mix with the answer.
    with contextlib.redirect_stdout(sys.stderr):
        registry = Registry(_plugins(options.words))
        entry = registry.find(options.name, "method", "baseline")
        from harness.measure.check import check

        result = check(entry, registry, options.examples)
    if options.json:
        print(result.to_json())
    else:
        in_each = [f"{error:.3g} in {dtype}" for dtype, error in result.errors.items()]
        cosine = f"{result.cosine:.6f}" if math.isfinite(result.cosine) else "unknown"
        print(
            f"{result.name} ({result.equivalence}): {'passed' if result.passed else 'FAILED'} "
            f"on {result.examples} random problems\n"
            f"  worst case: {result.held} {result.worst_error:.3g} "
            f"of {result.tolerance:.3g} allowed\n"
            f"    {result.worst_case}\n"
            + (f"  largest errors: {', '.join(in_each)}\n" if in_each else "")
            + f"  against the exact gradient: largest relative error {result.distance:.3g}, "
            f"lowest cosine {cosine}"
        )
    return 0 if result.passed else 1


def data(options: argparse.Namespace) -> int:
    """List the data sets in a folder, what is missing or damaged, and who can use them."""
    given = split_words(options.words, DATA)
    if "data_dir" not in given:
        raise UsageError("data needs a folder to read. Write data_dir=FOLDER.")
    data_dir = existing_folder("data_dir", given["data_dir"])
    from harness.data_report import as_json, as_text, findings

    every = []
    for finding in findings(Registry(listed("plugin", given)), data_dir):
        every.append(finding)
        if not options.json:  # a large set takes minutes to read
            print(as_text(finding), flush=True)
    if options.json:
        print(as_json(every))
    return 1 if any(finding.state == "damaged" for finding in every) else 0


def probe(options: argparse.Namespace) -> int:
    """Describe this machine, as a run records it."""
    from harness.measure.probes import run_probes

    probes = run_probes()
    if options.json:
        print(json.dumps(probes, indent=1))
        return 0
    packages = probes.pop("packages")
    for name, value in probes.items():
        if isinstance(value, dict):
            value = "; ".join(f"{key}: {each}" for key, each in value.items()) or "nothing"
        print(f"{name:<20} {'unknown' if value is None else value}")
    print(f"{'packages':<20} {len(packages)} installed; --json lists them")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say whether this machine is fit to measure, and how to mend what is not."""
    from harness.doctor.disturbances import disturbances
    from harness.doctor.machine import this_machine
    from harness.doctor.show import as_json, as_text
    from harness.doctor.supplies import supplies
    from harness.doctor.tuning import tuning

    found = [*disturbances(this_machine()), *supplies(Registry()), *tuning()]
    print(as_json(found) if options.json else as_text(found))
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
    run = read_run(options.run, _plugins([word for word in options.words if "=" in word]))
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
    from harness.packing import pack_run

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
    from harness.report.reproduced import as_json, as_text
    from harness.reproducing import held_to, measured_again, write_page

    if other is None:
        found, folder = measured_again(options.run, config)
        print(f"report: {folder / 'report.html'}", file=sys.stderr)
    else:
        runs = [read_run(path, config.plugins) for path in (options.run, Path(other))]
        found = held_to(*runs)
        if config.out is not None:
            write_page(found, config.out)
    print(as_json(found) if options.json else as_text(found), end="")
    return found.exit_code


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


def gate(options: argparse.Namespace) -> int:
    """Fail if a commit made a learner slower, heavier, wrong or less accurate."""
    from harness.gate.two_trees import bisect_code, gate, require_writable, write
    from harness.team.rendezvous import require_one_process

    try:
        with ending_in_order():
            require_one_process("the gate")
            config = gate_config(options.words)
            require_writable(config)
            if config.against is not None:
                from harness.gate.stored_run import gate_against
                from harness.measure.progress import progress_for

                report = gate_against(config, progress_for(sys.stderr))
            else:
                report = gate(config, lambda line: print(line, file=sys.stderr, flush=True))
    except KeyboardInterrupt as error:
        print("interrupted: nothing was judged, all checkouts are removed.", file=sys.stderr)
        return error.exit_code if isinstance(error, Ended) else 130
    except BaseException as error:
        if not options.bisect:
            raise
        said = (
            [str(error)] if isinstance(error, HarnessError) else traceback.format_exception(error)
        )
        print("error:", *said, file=sys.stderr)
        return bisect_code(error)
    from harness.gate.show import as_text

    # What was found is told before anything else can fail, and kept even if nobody listens.
    try:
        print(report.to_json() if options.json else as_text(report), flush=True)
    finally:
        lost = write(report, config)
        for why in lost:
            print("error:", why, file=sys.stderr)
    if options.bisect:
        return bisect_code(report)
    return report.exit_code or (UsageError.exit_code if lost else report.exit_code)


def _about(entry: Entry) -> dict[str, Any]:
    about: dict[str, Any] = {"name": entry.name, "summary": entry.summary}
    if entry.peer is not None:
        about |= {"peer": entry.peer, "installed": entry.peer_version}
    return about


def _peer_words(entry: Entry) -> str:
    if version := entry.peer_version:
        return f" [{entry.peer} {version}]"
    remedy = f": {PeerMissing.remedy(str(entry.peer))}" if entry.is_ours else ""
    return f" [{entry.peer} is not installed{remedy}]"


def _command(words: list[str]) -> str:
    """Return the command that repeats this run, without folders and hosts of its own."""
    kept = [_without_places(word) for word in words if not word.startswith("out=")]
    return shlex.join(["python", "-m", "harness", "run", *kept])


def _without_places(word: str) -> str:
    key, _, value = word.partition("=")
    if key in ("data_dir", "address"):
        return f"{key}={key.upper()}"
    if key in ("suite", "plugin"):
        return f"{key}={','.join(Path(part).name for part in value.split(','))}"
    return word


def _plugins(words: list[str]) -> tuple[str, ...]:
    return listed("plugin", split_words(words, PLUGIN))


COMMANDS: dict[str, Command] = {
    "run": run,
    "list": list_,
    "check": check,
    "data": data,
    "probe": probe,
    "doctor": doctor,
    "report": report,
    "explain": explain,
    "pack": pack,
    "reproduce": reproduce,
    "compare": compare,
    "export": export,
    "found": found,
    "gate": gate,
}
