"""Two trees under the same questions, the cheap and exact ones first.

Is a subject's gradient still right, is what it counts still the same, does its training still go as
well, and is it still as fast? Only the last has noise. Its rounds are shared out among the subjects
that are still open, and end when all are decided or the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from random import Random

from harness.declare.measures import MEASURES
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.suite import Suite
from harness.errors import UsageError
from harness.gate.accuracy import accuracy
from harness.gate.config import GateConfig
from harness.gate.counts import COUNTING, counts, differ, unable
from harness.gate.findings import ACCURACY, WHOLE, Finding, Word
from harness.gate.gradient import gradient
from harness.gate.times import Question
from harness.gate.trees import Sides
from harness.judge.block_values import Taken
from harness.judge.noise.sequential import FIRST_LOOK
from harness.measure.interleaving import measure_in_turns
from harness.records.record import Record
from harness.records.seen import Check, Times

TIMES = {row.measured: row.name for row in MEASURES.where(nature="clock", gated=True)}

CLOCKS = (
    *(f"harness/measure/{name}.py" for name in ("turns", "clock", "passes", "device")),
    "harness/measure/engines/child.py",
    "harness/priority.py",
)
"""What a turn is timed by. Each side is measured by its own tree: where these differ, a difference
in time may be theirs."""

TURNS, MORE_TURNS = 8, 24
"""Turns in a round; more of them once it has gone on for long, for then the noise is in the turns
and not in the processes, and a fresh process costs as much as a dozen turns."""
LONG = 2 * FIRST_LOOK

HISTORY_ROUNDS = 13
"""Rounds before a time that is kept is decided: the sooner a gate may stop, the likelier it does so
where luck made head fast, and a history adds up such luck (harness.history.chains)."""

Say = Callable[[str], None]


@dataclass
class Job:
    """Two trees under the same questions; findings grow as these are answered."""

    config: GateConfig
    sides: Sides
    suite: Suite
    deadline: float
    say: Say
    random: Random
    findings: list[Finding] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def judge(self, subjects: Sequence[Pair], at_base: Sequence[Pair]) -> None:
        shared = list(self._known_to_both(subjects))
        names = {subject.name for subject in subjects}
        for subject in at_base:
            if subject.name not in names:
                self._whole(subject, "gone", "head's suite no longer names it")
        threads = ThreadPoolExecutor(2)
        try:
            timed = [subject for subject in shared if self._exactly(subject, threads)]
        finally:  # whoever interrupts a gate need not wait for the blocks in flight
            threads.shutdown(wait=False, cancel_futures=True)
        self._time(
            [(each, measured) for each in timed for measured in TIMES if measured in each.passes]
        )

    def _whole(self, subject: Pair, word: Word, reason: str) -> None:
        self.findings.append(Finding(subject.name, WHOLE, word=word, reason=reason))

    def _known_to_both(self, subjects: Sequence[Pair]) -> Iterator[Pair]:
        for subject in subjects:
            at_base, at_head = (s.misfit(subject) for s in (self.sides.base, self.sides.head))
            if at_base and at_head:
                raise UsageError(f"{subject.name}: {at_head}")
            if at_head:
                self._whole(subject, "gone", at_head)
            elif at_base:
                self._whole(subject, "new", f"base does not know it: {at_base}")
            else:
                yield subject

    def _exactly(self, subject: Pair, threads: ThreadPoolExecutor) -> bool:
        """Ask what has no noise; return whether it is worth being timed."""
        self.say(f"{subject.name}: gradient, counts and training")

        def both(measured: str, seed: int = 0) -> tuple[Record[Seen], Record[Seen]]:
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
                # One after another: a learner may plan its step by what it times.
                counted = (side.measure(side.block(subject, measured)) for side in self.sides)
                base, head = next(counted), next(counted)
                again = next(counted) if differ(measured, base, head) else None
                found += counts(subject.name, measured, base, head, again)
        if "trajectory" in subject.passes:
            records = [*both("trajectory")]
            finding = accuracy(subject, records)
            if finding.word != "same" and "curve" in subject.passes:
                for seed in range(self.suite.protocol.seeds):
                    records += both("curve", seed)
                finding = accuracy(subject, records)
            if trouble := unable(records[0], records[1]):
                word, reason = trouble
                finding = Finding(subject.name, ACCURACY, word=word, reason=reason)
            found.append(finding)
        self.findings += found
        return not any(finding.word == "mismatch" for finding in found)

    def _gradient(self, subject: Pair, threads: ThreadPoolExecutor) -> Finding:
        base, head = self.sides.base, self.sides.head
        first, second = threads.map(lambda side: side.sketch(subject), (base, head))
        checked = head.measure(head.block(subject, "check"))
        passed = isinstance(checked.seen, Check) and checked.seen.passed
        # Whether base's own check passes matters only where head's does not.
        before = None if passed else base.measure(base.block(subject, "check"))
        found = gradient(subject.name, before, checked, (first, second))
        return replace(found, learner=subject.method)

    def _time(self, wanted: Sequence[tuple[Pair, str]]) -> None:
        if changed := self.sides.differing(CLOCKS):
            why = f"times are taken in another way at head: {', '.join(changed)} changed"
            self.findings += [
                Finding(each.name, TIMES[what], word="not compared", reason=why)
                for each, what in wanted
            ]
            return
        least = FIRST_LOOK if self.config.history is None else HISTORY_ROUNDS
        about = self.config.threshold, len(wanted), least
        self.asked = [Question(each.name, TIMES[what], *about) for each, what in wanted]
        left = list(zip(self.asked, wanted, strict=True))
        longest = 0.0
        while left:
            question, of = left.pop(0)
            began = time.monotonic()
            if began + longest > self.deadline:
                self.findings.append(question.undecided("the time is up"))
            elif (finding := self._round(question, *of)) is None:
                left.append((question, of))
            else:
                found = f"{finding.measure} {finding.word}, {question.rounds} rounds"
                self.say(f"{finding.subject}: {found}")
                self.findings.append(finding)
            longest = max(longest, time.monotonic() - began)

    def _round(self, question: Question, subject: Pair, measured: str) -> Finding | None:
        turns = TURNS if question.rounds < LONG else MORE_TURNS
        lanes = [side.lane(subject, measured, question.rounds, turns) for side in self.sides]
        base, head, again = records = measure_in_turns(lanes, self.random)
        if trouble := unable(base, head) or unable(again, head):
            word, reason = trouble
            return Finding(subject.name, question.measure, word=word, reason=reason)
        question.add(*(Taken.of(each, _seconds(each)) for each in records))
        return question.decide()


def _seconds(record: Record[Seen]) -> tuple[float, ...]:
    assert isinstance(record.seen, Times)  # of a pass that a clock is read in
    return record.seen.seconds
