"""A gate between two revisions: measure both trees in one job, and report what changed.

For `git bisect run` see BISECT: there a gate must not say "bad" of what it could not judge.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from harness.declare.pair import Pair
from harness.declare.suite import Suite, find_suite, read_suite
from harness.errors import (
    INCONCLUSIVE,
    MISMATCH,
    NOTHING,
    PASSED,
    REGRESSED,
    HarnessError,
    NothingMeasured,
)
from harness.gate.config import GateConfig
from harness.gate.findings import GateReport
from harness.gate.history import entries_of, require_commits
from harness.gate.job import Job, Say
from harness.gate.junit import as_junit
from harness.gate.show import as_markdown, named
from harness.gate.subjects import subjects_of
from harness.gate.trees import BrokenTree, TooOld, sides, trees
from harness.history.entries import append, require_appendable
from harness.judge.judged_run import differences, environment_of
from harness.judge.noise.sequential import ERROR_RATE, FIRST_LOOK
from harness.records.store import ANOTHER_FILE, replace_file, require_replaceable
from harness.seeds import derive

GOOD, BAD, SKIP, STOP = 0, 1, 125, 128
BISECT = {PASSED: GOOD, REGRESSED: BAD, MISMATCH: BAD, INCONCLUSIVE: SKIP, NOTHING: SKIP}
"""What `git bisect run` must be told. It calls every code from 1 to 127 bad, but for 125, which
skips the commit, and stops at more than 127. So a commit that can't be judged must give 125, and
what no commit can mend (wrong usage, another environment, a bug of ours) more than 127."""


def bisect_code(outcome: GateReport | BaseException) -> int:
    """Return the exit code that tells `git bisect run` the right thing."""
    if isinstance(outcome, GateReport):
        if outcome.exit_code == PASSED and outcome.times_were_not_compared:
            return SKIP
        return BISECT.get(outcome.exit_code, STOP)
    return SKIP if isinstance(outcome, TooOld | BrokenTree | NothingMeasured) else STOP


def gate(config: GateConfig, say: Say) -> GateReport:
    """Compare head with base and return what was found."""
    began, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    with trees(config) as (base, head):
        if config.history is not None:
            require_commits(base[1], head[1])
        suite = _suite(config, head[0])
        subjects = subjects_of(suite)
        say(f"base {named(base[1])}, head {named(head[1])}: {len(subjects)} subjects")
        with sides(config, base, head, subjects, suite.protocol) as both:
            # Every gate has an order of its own, and its report tells it.
            random = Random(derive(0, "order", started))
            job = Job(config, both, suite, began + config.limit_s, say, random)
            machine, at_base = (
                environment_of(side.probes(), config.device, config.threads)
                for side in (both.head, both.base)
            )
            environment = differences(at_base, machine)
            if not environment:
                job.judge(subjects, _subjects_at(config, base[0]))
    floors = [question.noise_floor for question in job.asked if question.rounds >= FIRST_LOOK]
    return GateReport(
        base=base[1],
        head=head[1],
        suite=suite.name,
        findings=tuple(job.findings),
        threshold=config.threshold,
        noise_floor=max(floors, default=None),
        error_rate=ERROR_RATE,
        machine=machine,
        environment=environment,
        started=started,
        seconds=time.monotonic() - began,
        limit_s=config.limit_s,
    )


def require_writable(config: GateConfig) -> None:
    """Refuse files that could not be written, before anything is measured."""
    if config.history is not None:
        require_appendable(config.history)
    for name, path in (("markdown", config.markdown), ("junit", config.junit)):
        if path is not None:
            require_replaceable(path, f"{name}={path}")


def write(report: GateReport, config: GateConfig) -> list[HarnessError]:
    """Write the files that were asked for; return why one could not be, which stops no other."""
    lost: list[HarnessError] = []
    for path, written in (
        (config.history, lambda path: append(path, entries_of(report))),
        (config.markdown, lambda path: _replaced(path, as_markdown(report))),
        (config.junit, lambda path: _replaced(path, as_junit(report))),
    ):
        if path is not None:
            try:
                written(path)
            except HarnessError as error:
                lost.append(error)
    return lost


def _replaced(path: Path, text: str) -> None:
    # A name in another encoding holds what UTF-8 can't say.
    replace_file(path, text.encode(errors="replace"), ANOTHER_FILE)


def _suite(config: GateConfig, root: Path) -> Suite:
    suite = read_suite(find_suite(config.suite, root / "suites"))
    return suite.only(config.pairs) if config.pairs else suite


def _subjects_at(config: GateConfig, root: Path) -> tuple[Pair, ...]:
    """Return what base's own suite of the same name asks about; nothing where it has none."""
    try:
        return subjects_of(_suite(config, root))
    except HarnessError:  # base may not have the suite or the pairs yet
        return ()
