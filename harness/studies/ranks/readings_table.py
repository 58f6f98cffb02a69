"""The table of ranks: a method on several processes, by both readings of what one more is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.declare.pair import MEMBERS, Member, workload_words
from harness.judge.judgement import Judgement, PairJudgement
from harness.report.tables.gradient_tables import no_ratio
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.tables.verdict_table import tone_of
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
from harness.report.words import basis
from harness.studies.ranks.figure import member_words
from harness.studies.ranks.readings import Reading

READINGS = {"same": "Same cores in total", "each": "Same cores per process"}
OVER = {"torch": "", "horovod": " over Horovod"}


def ranks_table(judgement: Judgement) -> Table | None:
    """Return both readings side by side, of every method that ran on several ranks."""
    known = {each.pair: each for each in judgement.studies.get("ranks", ())}
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
        "A method on several ranks against its baseline in one process, in two readings: the same "
        "cores in total for both, or the same cores for each process. Efficiency is the ratio "
        "divided by the number of ranks. All-reduces are counted per step and rank. Their time is "
        "the waiting time of the rank that waited least; what other ranks waited beyond that is "
        "waiting for slower ranks.",
        (
            Column("", 1.2),
            *(Column(head, 1.5, numeric=True) for head in READINGS.values()),
        ),
        [
            Group(
                tuple(
                    (Cell(head), *(_cell(of, by_cores.get(cores), known) for cores in READINGS))
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


Row = Callable[[PairJudgement, Reading], Cell]


def _cell(of: Row, judged: PairJudgement | None, known: Mapping[str, Reading]) -> Cell:
    return Cell(UNKNOWN) if judged is None else of(judged, known[judged.pair.name])


def _processes(judged: PairJudgement, reading: Reading) -> Cell:
    def words(member: Member) -> str:
        placed = reading.placed.get(member)
        if placed is None:
            return UNKNOWN
        return f"{placed.processes} {TIMES} {placed.threads or UNKNOWN}"

    baseline, method = map(words, MEMBERS)
    return Cell(method, f"against {baseline}")


def _ratio(judged: PairJudgement, reading: Reading) -> Cell:
    found, instead = judged.ratio("step_time"), no_ratio(judged)
    if instead is not None:
        return instead
    if found is None or found.interval is None:
        return Cell("not measured", found.reason or "" if found else "", "open")
    return Cell(ratio_interval(found.interval), basis("step_time", found.interval))


def _efficiency(judged: PairJudgement, reading: Reading) -> Cell:
    return Cell(UNKNOWN if reading.efficiency is None else with_bounds(reading.efficiency))


def _verdicts(judged: PairJudgement, reading: Reading) -> Cell:
    words = [v for v in judged.verdicts if v.measure == "step_time"]
    if not words:
        return Cell(UNKNOWN)
    told = dict.fromkeys(f"{v.word} ({ratio(v.published)})" for v in words)
    return Cell(", ".join(told), tone=tone_of(words[0].word))


def _step(member: Member) -> Row:
    def cell(judged: PairJudgement, reading: Reading) -> Cell:
        found = judged.ratio("step_time")
        return Cell(quantity(getattr(found, member) if found else None, "s"))

    return cell


def _calls(judged: PairJudgement, reading: Reading) -> Cell:
    if reading.allreduce_calls is None:
        return Cell(UNKNOWN)
    calls = count(reading.allreduce_calls, "call")
    return Cell(calls, quantity(reading.allreduce_bytes, "bytes"))


def _waited(seconds: float | None, reading: Reading) -> Cell:
    if seconds is None or not reading.step_s:
        return Cell(UNKNOWN)
    return Cell(quantity(seconds, "s"), f"{percent(seconds / reading.step_s)} of a step")


ROWS: dict[str, Row] = {
    "Processes × threads": _processes,
    "Baseline's step": _step("baseline"),
    "Method's step": _step("method"),
    "Ratio [95 %]": _ratio,
    "Efficiency [95 %]": _efficiency,
    "Verdict (published)": _verdicts,
    "All-reduces": _calls,
    "In all-reduces": lambda _, reading: _waited(reading.allreduce_s, reading),
    "Waiting for ranks": lambda _, reading: _waited(reading.imbalance_s, reading),
}
