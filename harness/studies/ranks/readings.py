"""The table of ranks: a method on several processes, by both readings of what one more is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from harness.declare.suite import MEMBERS, Member
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement, PairJudgement
from harness.records.record import Record
from harness.report.gradient import no_ratio
from harness.report.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import (
    TIMES,
    UNKNOWN,
    count,
    percent,
    quantity,
    ratio,
    ratio_interval,
    with_bounds,
)
from harness.report.verdict_table import tone_of
from harness.report.words import basis, workload_words
from harness.studies.ranks.figure import member_words

READINGS = {"same": "Same cores", "each": "Worker for worker"}
OVER = {"torch": "", "horovod": " over Horovod"}


def ranks_table(judgement: Judgement, records: Sequence[Record]) -> Table | None:
    """Return both readings side by side, of every method that ran on several ranks."""
    found: dict[tuple[str, ...], dict[str, PairJudgement]] = {}
    for judged in judgement.pairs:
        pair = judged.pair
        if pair.ranks > 1:
            members = (member_words(judged, "method"), member_words(judged, "baseline"))
            ranks = f"{pair.ranks} ranks{OVER[pair.communicator]}"
            alike = (*members, ranks, workload_words(pair))
            found.setdefault(alike, {}).setdefault(pair.cores, judged)
    return grouped_table(
        "ranks",
        "Several processes",
        "A method on several ranks against its baseline in one process, read in two ways: both "
        "with the same cores in total, or each process with as many. Efficiency is the ratio "
        "divided by the ranks. All-reduces are counted for a step and a rank; their seconds are "
        "what the rank that waited least waited, and beyond that ranks wait for others.",
        (
            Column("", 1.2),
            *(Column(head, 1.5, numeric=True) for head in READINGS.values()),
        ),
        [
            Group(
                tuple(
                    (Cell(head), *(_cell(of, by_cores.get(cores), records) for cores in READINGS))
                    for head, of in ROWS.items()
                ),
                f"{method}, {ranks}, against {baseline}",
                f"On {workload}. "
                + " ".join(f"{READINGS[c]}: pair {j.pair.name}." for c, j in by_cores.items()),
            )
            for (method, baseline, ranks, workload), by_cores in found.items()
        ],
        in_summary=True,
    )


def _cell(
    of: Callable[[PairJudgement, Sequence[Record]], Cell],
    judged: PairJudgement | None,
    records: Sequence[Record],
) -> Cell:
    return Cell(UNKNOWN) if judged is None else of(judged, records)


def _processes(judged: PairJudgement, records: Sequence[Record]) -> Cell:
    def seen(member: Member) -> str:
        for record in usable(records, judged.pair, "step", member):
            return f"{record.processes or 1} {TIMES} {record.threads or UNKNOWN}"
        return UNKNOWN

    baseline, method = map(seen, MEMBERS)
    return Cell(method, f"against {baseline}")


def _ratio(judged: PairJudgement, records: Sequence[Record]) -> Cell:
    found, instead = judged.ratio("step_time"), no_ratio(judged)
    if instead is not None:
        return instead
    if found is None or found.interval is None:
        return Cell("not measured", found.reason or "" if found else "", "open")
    return Cell(ratio_interval(found.interval), basis("step_time", found.interval))


def _efficiency(judged: PairJudgement, records: Sequence[Record]) -> Cell:
    found = judged.ratio("step_time")
    if found is None or found.interval is None or no_ratio(judged) or judged.pair.cores == "same":
        return Cell(UNKNOWN)
    whole, ranks = found.interval, judged.pair.ranks
    ends = {name: getattr(whole, name) / ranks for name in ("low", "estimate", "high")}
    return Cell(with_bounds(replace(whole, **ends)))


def _verdicts(judged: PairJudgement, records: Sequence[Record]) -> Cell:
    words = [v for v in judged.verdicts if v.measure == "step_time"]
    if not words:
        return Cell(UNKNOWN)
    told = dict.fromkeys(f"{v.word} ({ratio(v.published)})" for v in words)
    return Cell(", ".join(told), tone=tone_of(words[0].word))


def _step(member: Member) -> Callable[[PairJudgement, Sequence[Record]], Cell]:
    def cell(judged: PairJudgement, records: Sequence[Record]) -> Cell:
        found = judged.ratio("step_time")
        return Cell(quantity(getattr(found, member) if found else None, "s"))

    return cell


def _calls(judged: PairJudgement, records: Sequence[Record]) -> Cell:
    for record in usable(records, judged.pair, "operations", "method"):
        if record.allreduce_calls is not None:
            calls = count(record.allreduce_calls, "call")
            return Cell(calls, quantity(record.allreduce_bytes, "bytes"))
    return Cell(UNKNOWN)


def _waited(field: str) -> Callable[[PairJudgement, Sequence[Record]], Cell]:
    def cell(judged: PairJudgement, records: Sequence[Record]) -> Cell:
        blocks = usable(records, judged.pair, "step", "method")
        spans = [median(getattr(r, field)) for r in blocks if getattr(r, field)]
        if not spans:
            return Cell(UNKNOWN)
        steps = [median(r.seconds or ()) for r in blocks]
        return Cell(
            quantity(median(spans), "s"), f"{percent(median(spans) / median(steps))} of a step"
        )

    return cell


ROWS: dict[str, Callable[[PairJudgement, Sequence[Record]], Cell]] = {
    "Processes × threads": _processes,
    "Baseline's step": _step("baseline"),
    "Method's step": _step("method"),
    "Ratio [95 %]": _ratio,
    "Efficiency [95 %]": _efficiency,
    "Published": _verdicts,
    "All-reduces": _calls,
    "In all-reduces": _waited("allreduce_seconds"),
    "Waiting for ranks": _waited("imbalance_seconds"),
}
