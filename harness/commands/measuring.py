"""Commands that measure: a run of a suite, and the gate."""

from __future__ import annotations

import argparse
import shlex
import sys
import traceback
from pathlib import Path

from harness.config import run_config
from harness.errors import HarnessError, UsageError
from harness.gate.config import gate_config
from harness.reporting import write_report
from harness.signals import ending_in_order, interrupted


def run(options: argparse.Namespace) -> int:
    """Measure a suite and write its report."""
    config = run_config(options.words)
    from harness.doctor.disturbances import line_of
    from harness.measure.engines.choice import engine_of
    from harness.measure.preparation import RESULTS, prepare, resume
    from harness.measure.progress import progress_for
    from harness.running import ended, measure_whole
    from harness.team.rendezvous import require_one_process

    require_one_process("the run")
    progress = progress_for(sys.stderr)
    folder = (config.resume or config.out or RESULTS / "run").parent
    try:
        with ending_in_order():
            with engine_of(config, folder) as engine:
                ready = (
                    resume(config, engine)
                    if config.resume
                    else prepare(config, _command(options.words), engine, progress.noted)
                )
                progress.noted(line_of(ready.disturbed_by))
                progress.noted(f"writing records to {ready.store.folder}")
                store = measure_whole(ready, engine, progress)
            write_report(store.folder, config.plugins)
    except KeyboardInterrupt as error:
        return interrupted(error, ". The records so far are kept: go on with resume=.")
    return ended(ready)


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
        return interrupted(error, ": nothing was judged, all checkouts are removed.")
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
