"""A gate: measure two trees beside each other in one job, judge what changed, and say so.

Every subject goes through the same questions, the cheap and exact ones first: is its gradient still
right, is what it counts still the same, does its training still go as well, and is it still as
fast? Only the last has noise. Its rounds are shared out among the subjects that are still open, and
end when all are decided or the time is up.

For `git bisect run` see BISECT: there a gate must not say "bad" of what it could not judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from harness.declare.measures import MEASURES
from harness.declare.suite import Suite, find_suite, read_suite
from harness.errors import (
    INCONCLUSIVE,
    MISMATCH,
    NOTHING,
    PASSED,
    REGRESSED,
    HarnessError,
    NothingMeasured,
    UsageError,
)
from harness.gate.config import GateConfig
from harness.gate.exact import COUNTING, accuracy, counts, differ, gradient, unable
from harness.gate.findings import ACCURACY, WHOLE, Finding, GateReport, Revision, Word
from harness.gate.junit import as_junit
from harness.gate.kept import entries_of, require_commits
from harness.gate.markdown import as_markdown
from harness.gate.sequential import ERROR_RATE, FIRST_LOOK
from harness.gate.subjects import Subject, subjects_of
from harness.gate.times import Question
from harness.gate.trees import BrokenTree, Sides, TooOld, sides, trees
from harness.history.entries import append, require_appendable
from harness.judge.comparison import ENVIRONMENT
from harness.measure.interleaving import measure_apart, measure_round
from harness.records.record import Record
from harness.records.store import ANOTHER_FILE, replace_file, require_replaceable
from harness.seeds import derive

TIMES = {row.measured: row.name for row in MEASURES.where(nature="clock", gated=True)}

CLOCKS = ("harness/measure/turns.py", "harness/measure/device.py")
"""What a turn is timed by. Each side is measured by its own tree: where these differ, a difference
in time may be theirs."""

TURN_S = 0.02
"""Seconds of a turn: long beside a clock's tick, short beside a neighbour's comings and goings."""

TURNS, MORE_TURNS = 8, 24
"""Turns in a round; more of them once it has gone on for long, for then the noise is in the turns
and not in the processes, and a fresh process costs as much as a dozen turns."""
LONG = 2 * FIRST_LOOK

HISTORY_ROUNDS = 13
"""Rounds before a time that is kept is decided: the sooner a gate may stop, the likelier it does so
where luck made head fast, and a history adds up such luck (harness.history.chains)."""

GOOD, BAD, SKIP, STOP = 0, 1, 125, 128
BISECT = {PASSED: GOOD, REGRESSED: BAD, MISMATCH: BAD, INCONCLUSIVE: SKIP, NOTHING: SKIP}
"""What `git bisect run` must be told. It calls every code from 1 to 127 bad, but for 125, which
skips the commit, and stops at more than 127. So a commit that can't be judged must give 125, and
what no commit can mend (wrong usage, another environment, a bug of ours) more than 127."""

Say = Callable[[str], None]


def bisect_code(outcome: GateReport | BaseException) -> int:
    """Return the exit code that tells `git bisect run` the right thing."""
    if isinstance(outcome, GateReport):
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
        say(f"base {_named(base[1])}, head {_named(head[1])}: {len(subjects)} subjects")
        with sides(config, base, head, subjects, suite.protocol) as both:
            # Every gate has an order of its own, and its report tells it.
            random = Random(derive(0, "order", started))
            job = _Job(config, both, suite, began + config.limit_s, say, random)
            probes = both.head.probes()
            environment = _environment(both.base.probes(), probes)
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
        machine={name: probes.get(name) for name in ENVIRONMENT}
        | {"device": config.device, "threads": config.threads},
        environment=environment,
        started=started,
        seconds=time.monotonic() - began,
        limit_s=config.limit_s,
        notes=tuple(job.notes),
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


@dataclass
class _Job:
    """Two trees under the same questions; findings grow as these are answered."""

    config: GateConfig
    sides: Sides
    suite: Suite
    deadline: float
    say: Say
    random: Random
    findings: list[Finding] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, subjects: Sequence[Subject], at_base: Sequence[Subject]) -> None:
        shared = list(self._known_to_both(subjects))
        names = {subject.name for subject in subjects}
        self.findings += [
            _finding(subject, WHOLE, "gone", "head's suite no longer names it")
            for subject in at_base
            if subject.name not in names
        ]
        threads = ThreadPoolExecutor(2)
        try:
            timed = [subject for subject in shared if self._exactly(subject, threads)]
        finally:  # whoever interrupts a gate need not wait for the blocks in flight
            threads.shutdown(wait=False, cancel_futures=True)
        self._time(
            [(each, measured) for each in timed for measured in TIMES if measured in each.passes]
        )

    def _known_to_both(self, subjects: Sequence[Subject]) -> Iterator[Subject]:
        for subject in subjects:
            if reason := self.sides.head.misfit(subject):
                if not self.sides.base.misfit(subject):
                    self.findings.append(_finding(subject, WHOLE, "gone", reason))
                    continue
                raise UsageError(f"{subject.name}: {reason}")
            if reason := self.sides.base.misfit(subject):
                self.findings.append(
                    _finding(subject, WHOLE, "new", f"base does not know it: {reason}")
                )
                continue
            yield subject

    def _exactly(self, subject: Subject, threads: ThreadPoolExecutor) -> bool:
        """Ask what has no noise; return whether it is worth being timed."""
        self.say(f"{subject.name}: gradient, counts and training")

        def both(measured: str, seed: int = 0) -> tuple[Record, Record]:
            base, head = threads.map(
                lambda side: side.measure(side.block(subject, measured, seed)),
                (self.sides.base, self.sides.head),
            )
            return base, head

        found: list[Finding] = []
        if "check" in subject.passes:
            found.append(self._gradient(subject, threads))
        for measured in COUNTING:
            if measured in subject.passes:
                base, head = both(measured)
                again = None
                if differ(measured, base, head):
                    again = self.sides.again.measure(self.sides.again.block(subject, measured))
                found += counts(subject.name, measured, base, head, again)
        if "trajectory" in subject.passes:
            records = [*both("trajectory")]
            finding = accuracy(subject.name, subject.pair(), records)
            if finding.word != "same" and "curve" in subject.passes:
                for seed in range(self.suite.protocol.seeds):
                    records += both("curve", seed)
                finding = accuracy(subject.name, subject.pair(), records)
            if trouble := unable(records[0], records[1]):
                finding = _finding(subject, ACCURACY, *trouble)
            found.append(finding)
        self.findings += found
        return not any(finding.word == "mismatch" for finding in found)

    def _gradient(self, subject: Subject, threads: ThreadPoolExecutor) -> Finding:
        base, head = self.sides.base, self.sides.head
        first, second = threads.map(lambda side: side.sketch(subject), (base, head))
        checked = head.measure(head.block(subject, "check"))
        before = None
        if not checked.passed:  # whether base's own check passes matters only now
            before = base.measure(base.block(subject, "check"))
        return gradient(subject.name, before, checked, (first, second))

    def _time(self, wanted: Sequence[tuple[Subject, str]]) -> None:
        if changed := self.sides.differing(CLOCKS):
            why = f"times are taken in another way at head: {', '.join(changed)} changed"
            self.findings += [
                _finding(each, TIMES[what], "not compared", why) for each, what in wanted
            ]
            return
        least = FIRST_LOOK if self.config.history is None else HISTORY_ROUNDS
        left = [
            (
                Question(each.name, TIMES[measured], self.config.threshold, len(wanted), least),
                each,
                measured,
            )
            for each, measured in wanted
        ]
        self.asked = [question for question, _, _ in left]
        longest = 0.0
        while left:
            question, subject, measured = asked = left.pop(0)
            began = time.monotonic()
            if began + longest > self.deadline:
                self.findings.append(question.undecided("the time is up"))
                continue
            finding = self._round(question, subject, measured)
            longest = max(longest, time.monotonic() - began)
            if finding is None:
                left.append(asked)
            else:
                self.say(
                    f"{subject.name}: {finding.measure} {finding.word}, {question.rounds} rounds"
                )
                self.findings.append(finding)

    def _round(self, question: Question, subject: Subject, measured: str) -> Finding | None:
        lanes = [side.lane(subject, measured, question.rounds) for side in self.sides]
        turns = TURNS if question.rounds < LONG else MORE_TURNS
        alone = subject.ranks == 1
        seen = (
            measure_round(lanes, turns, TURN_S, self.random)
            if alone
            else measure_apart(lanes, self.random)
        )
        if seen.failures:
            ok = {lane.name: lane.block.record("ok", seconds=(1.0,)) for lane in lanes}
            base, head, again = (seen.failures.get(name, ok[name]) for name in ok)
            trouble = unable(base, head) or unable(again, head)
            assert trouble is not None  # one of the three has failed
            return _finding(subject, question.measure, *trouble)
        question.add(seen.seconds)
        return question.decide()


def _suite(config: GateConfig, root: Path) -> Suite:
    suite = read_suite(find_suite(config.suite, root / "suites"))
    return suite.only(config.pairs) if config.pairs else suite


def _subjects_at(config: GateConfig, root: Path) -> tuple[Subject, ...]:
    """Return what base's own suite of the same name asks about; nothing where it has none."""
    try:
        return subjects_of(_suite(config, root))
    except HarnessError:  # base may not have the suite or the pairs yet
        return ()


def _environment(base: dict[str, Any], head: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name}: {base.get(name)}, then {head.get(name)}"
        for name in ENVIRONMENT
        if base.get(name) != head.get(name)
    )


def _finding(subject: Subject, measure: str, word: Word, reason: str) -> Finding:
    return Finding(subject.name, measure, None, None, None, None, None, None, word, reason)


def _named(revision: Revision) -> str:
    commit = (revision.commit or "")[:10]
    return f"{revision.name} ({commit}{', with changes' if revision.dirty else ''})"
