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
from typing import TYPE_CHECKING, Any

import harness
from harness.config import WORDS, listed, run_config, split_words, whole
from harness.errors import HarnessError, PeerMissing, UnknownName, UsageError
from harness.gate_config import GATE_WORDS, gate_config
from harness.registry import ROOT, Entry, Registry

if TYPE_CHECKING:
    from harness.records.manifest import Manifest
    from harness.records.record import Record
    from harness.report.content import Content

LISTED = ("baselines", "methods", "workloads", "suites", "claims")
PLUGIN = {"plugin": WORDS["plugin"]}
NOTHING_MEASURED, BUG = 4, 70

EXAMPLES = """examples:
  python -m harness run suite=smoke
  python -m harness run suite=paper pairs=batched-5w1s seeds=3 rounds=6 threads=2
  python -m harness run suite=mine.toml plugin=my_method.py out=runs/first
  python -m harness run resume=results/paper-20260102-030405
  python -m harness list methods
  python -m harness check batched_maml
  python -m harness report results/paper-20260102-030405
  python -m harness report history.jsonl
  python -m harness compare runs/before runs/after
  python -m harness gate base=main
  python -m harness gate base=v1 head=HEAD pairs=batched-sinusoid threshold=0.1 --json
  python -m harness gate against=results/paper-20260102-030405 junit=gate.xml
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; what the user can mend ends without a traceback."""
    try:
        options = _options(arguments)
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except HarnessError as error:
        print("error:", *str(error).splitlines(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted. A run's records are whole: go on with resume=.", file=sys.stderr)
        return 130
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
    """Measure a suite and report on it."""
    config = run_config(options.words)
    from harness.measure.engines.local import LocalEngine
    from harness.measure.progress import progress_for
    from harness.measure.run import prepare, resume
    from harness.meeting import require_one_process

    require_one_process("the run")
    progress = progress_for(sys.stderr)
    with LocalEngine() as engine:
        ready = (
            resume(config, engine)
            if config.resume
            else prepare(config, _command(options.words), engine)
        )
        progress.noted(f"records go to {ready.store.folder}")
        try:
            store = ready.measure(engine, progress)
        finally:
            progress.close()
    measured = any(record.status == "ok" for record in ready.seen)
    _write_report(store.folder)
    if not measured:
        print("error: nothing was measured; the report says why.", file=sys.stderr)
    return 0 if measured else NOTHING_MEASURED


def report(options: argparse.Namespace) -> int:
    """Rebuild a run's report from its records alone, or draw a history of gates over commits."""
    if options.run.is_file() or (options.run.suffix == ".jsonl" and not options.run.is_dir()):
        _report_history(options.run, options.json)
    else:
        _write_report(options.run, options.json)
    return 0


def list_(options: argparse.Namespace) -> int:
    """Say what there is."""
    from harness.declare.claims import load_claims
    from harness.declare.suite import read_suite

    kinds = [word for word in options.words if "=" not in word]
    for kind in kinds:
        if kind not in LISTED:
            raise UnknownName("kind of thing", kind, LISTED, "Without one, all are listed.")
    registry = Registry(_plugins([word for word in options.words if "=" in word]))
    suites = ROOT / "suites"
    listing: dict[str, list[dict[str, Any]]] = {
        f"{kind}s": [_about(entry) for entry in registry.entries(kind)]
        for kind in ("baseline", "method", "workload")
    }
    read = [read_suite(path) for path in sorted(suites.glob("*.toml")) if path.stem != "claims"]
    listing["suites"] = [{"name": suite.name, "summary": suite.summary} for suite in read]
    claims = load_claims(suites / "claims.toml").values()
    listing["claims"] = [{"name": claim.name, "summary": claim.summary} for claim in claims]
    for fault in registry.faults:
        print(f"warning: {fault}", file=sys.stderr)
    chosen = {kind: listing[kind] for kind in kinds or LISTED}
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
    """Hold a learner's gradient to what it owes the reference."""
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
            f"  worst case: error {result.worst_error:.3g} of {result.tolerance:.3g} allowed\n"
            f"    {result.worst_case}\n"
            + (f"  largest errors: {', '.join(in_each)}\n" if in_each else "")
            + f"  against the oracle: largest relative error {result.distance:.3g}, "
            f"least cosine {cosine}"
        )
    return 0 if result.passed else 1


def probe(options: argparse.Namespace) -> int:
    """Say what this machine is, as a run records it."""
    from harness.measure.probes import run_probes

    probes = run_probes()
    if options.json:
        print(json.dumps(probes, indent=1))
        return 0
    packages = probes.pop("packages")
    for name, value in probes.items():
        print(f"{name:<20} {'unknown' if value is None else value}")
    print(f"{'packages':<20} {len(packages)} installed; --json lists them")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare two runs of the same pairs."""
    from harness.judge.comparison import compare_runs

    comparison = compare_runs(*_read_run(options.before), *_read_run(options.after))
    print(comparison.to_json() if options.json else comparison.to_text())
    return comparison.exit_code


def gate(options: argparse.Namespace) -> int:
    """Fail if a commit made a learner slower, heavier, wrong or less accurate."""
    from harness.ending import Ended, ending_in_order
    from harness.gate import bisect_code, gate, require_writable, write
    from harness.meeting import require_one_process

    try:
        with ending_in_order():
            require_one_process("the gate")
            config = gate_config(options.words)
            require_writable(config)
            if config.against is not None:
                from harness.gate_against import gate_against
                from harness.measure.progress import progress_for

                report = gate_against(config, progress_for(sys.stderr))
            else:
                report = gate(config, lambda line: print(line, file=sys.stderr, flush=True))
    except KeyboardInterrupt as error:
        print("interrupted: nothing was judged, and no checkout is left.", file=sys.stderr)
        return error.exit_code if isinstance(error, Ended) else 130
    except BaseException as error:
        if not options.bisect:
            raise
        said = (
            [str(error)] if isinstance(error, HarnessError) else traceback.format_exception(error)
        )
        print("error:", *said, file=sys.stderr)
        return bisect_code(error)
    from harness.report.gate_terminal import as_text

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


def _write_report(folder: Path, as_json: bool = False) -> None:
    from harness.judge.judge import judge
    from harness.records.pyperf_export import export
    from harness.report.content import compose
    from harness.report.write import claims_json, write

    manifest, records = _read_run(folder)
    judgement = judge(manifest, records)
    export(folder, records)
    write(folder, manifest, records, judgement)
    told = claims_json(manifest, judgement) if as_json else None
    _tell_report(compose(manifest, records, judgement), folder, told)


def _report_history(path: Path, as_json: bool) -> None:
    from harness.judge.chains import series_of
    from harness.records.history import read
    from harness.report.history import compose_history
    from harness.report.history_json import changes_json
    from harness.report.write import write_content

    history = read(path)
    for note in history.notes:
        print(f"note: {note}", file=sys.stderr)
    if not history.entries:
        raise UsageError(f"{path}: holds no line of a gate. Name a history, or a run folder.")
    courses = series_of(history.entries)
    content = compose_history(path.name, history.entries, courses)
    told = changes_json(courses)
    folder = path.with_name(f"{path.stem}-report")
    write_content(folder, content, {"changes.json": told})
    _tell_report(content, folder, told if as_json else None)


def _tell_report(content: Content, folder: Path, as_json: str | None) -> None:
    from harness.report.terminal import print_summary

    if as_json is not None:
        print(as_json, end="")
        return
    print_summary(content, sys.stdout)
    print(f"report: {folder / 'report.pdf'} and report.html beside it")


def _read_run(folder: Path) -> tuple[Manifest, list[Record]]:
    """Return what a run saw, and say what was amiss with it."""
    from harness.records.store import Store

    store = Store.open(folder)
    records = store.records()
    for note in store.notes:
        print(f"note: {note}", file=sys.stderr)
    return store.manifest, records


def _command(words: list[str]) -> str:
    """Return the command that repeats this run, without the folders of this machine."""
    kept = [_without_folders(word) for word in words if not word.startswith("out=")]
    return shlex.join(["python", "-m", "harness", "run", *kept])


def _without_folders(word: str) -> str:
    key, _, value = word.partition("=")
    if key == "data_dir":
        return f"{key}=DATA_DIR"
    if key in ("suite", "plugin"):
        return f"{key}={','.join(Path(part).name for part in value.split(','))}"
    return word


def _plugins(words: list[str]) -> tuple[str, ...]:
    return listed("plugin", split_words(words, PLUGIN))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if any(word.startswith("-") for word in rest) or (rest and "words" not in options):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # words may stand behind an option, where argparse no longer looks for them
        options.words += rest
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m harness",
        description=harness.__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=harness.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, function: Any, words: dict[str, str]) -> argparse.ArgumentParser:
        examples = "".join(f"{x}\n" for x in EXAMPLES.splitlines() if f" harness {name} " in x)
        known = "".join(f"  {key + '=':<10} {about}\n" for key, about in words.items())
        sub = commands.add_parser(
            name,
            help=function.__doc__,
            description=function.__doc__,
            epilog="\n".join(
                f"{title}:\n{lines}"
                for title, lines in (("words", known), ("examples", examples))
                if lines
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=function)
        return sub

    command("run", run, WORDS).add_argument("words", nargs="*", metavar="key=value")
    listing = command("list", list_, PLUGIN)
    kinds = f"of {', '.join(LISTED)}, those to list (default: all); or key=value"
    listing.add_argument("words", nargs="*", metavar="kind", help=kinds)
    listing.add_argument("--json", action="store_true", help="one object, for machines")
    checking = command("check", check, PLUGIN)
    checking.add_argument("name", help="a method or a baseline")
    checking.add_argument("words", nargs="*", metavar="key=value")
    checking.add_argument(
        "--examples", type=_examples, default=100, help="random problems (default: 100)"
    )
    checking.add_argument("--json", action="store_true", help="one object, for machines")
    command("probe", probe, {}).add_argument("--json", action="store_true", help="one object")
    reporting = command("report", report, {})
    reporting.add_argument("run", type=Path, help="a run folder, or a file that history= made")
    reporting.add_argument("--json", action="store_true", help="one object, for machines")
    comparing = command("compare", compare, {})
    comparing.add_argument("before", type=Path, help="a run folder")
    comparing.add_argument("after", type=Path, help="another")
    comparing.add_argument("--json", action="store_true", help="one object, for machines")
    gating = command("gate", gate, GATE_WORDS)
    gating.add_argument("words", nargs="*", metavar="key=value")
    gating.add_argument("--json", action="store_true", help="the report as one object")
    gating.add_argument("--bisect", action="store_true", help="exit codes for `git bisect run`")
    return parser


def _examples(word: str) -> int:
    return whole("--examples", word)


class _Parser(argparse.ArgumentParser):
    """Argparse, with errors in the harness's own words."""

    def error(self, message: str) -> Any:
        print(f"error: {message}. See: {self.prog} --help", file=sys.stderr)
        raise SystemExit(UsageError.exit_code)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise UnknownName(str(action.metavar).lower(), value, action.choices)
