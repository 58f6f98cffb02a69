"""Tables of all learners on one workload, whatever pairs they were measured in."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from harness.declare.suite import MEMBERS
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement
from harness.judge.pair_quality import shared_tasks
from harness.judge.quality import accuracy, gain_of
from harness.judge.statistics import Interval, median_interval
from harness.records.record import Record
from harness.report.gradient import withheld
from harness.report.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import UNKNOWN, count, quantity, significant, with_bounds
from harness.report.words import capital, with_settings, workload_words

FEWEST = 3
"""Learners on a workload from which on a table of them says more than their pairs do."""

Found = dict[str, dict[str, dict[str, Record]]]
"""Records by workload, by learner and by what tells one from another."""


def cost_table(judgement: Judgement, records: Sequence[Record]) -> Table | None:
    """Return what a step costs every learner, on each workload that several were timed on."""
    timed, memory, counted = (
        _by_learner(judgement, records, measured) for measured in ("step", "memory", "operations")
    )
    groups = []
    for workload in dict.fromkeys((*timed, *memory, *counted)):
        parts = [table.get(workload, {}) for table in (timed, memory, counted)]
        learners = list(dict.fromkeys(learner for part in parts for learner in part))
        if len(learners) >= FEWEST:
            rows = (_cost_row(learner, *parts) for learner in learners)
            groups.append(Group(tuple(rows), workload, _about(parts)))
    return grouped_table(
        "costs",
        "Learners side by side",
        "The median of all blocks of a learner on a workload with its 95 % interval (the span "
        "where the blocks are few), and what was counted. Of ratios the table of pairs tells, "
        "whose members were measured by turns.",
        (
            Column("Learner", 1.5),
            Column("Samples a second [95 %]", 1.5, numeric=True),
            Column("Step time", 0.9, numeric=True),
            Column("Peak memory", 0.9, numeric=True),
            Column("Backward passes", 0.8, numeric=True),
        ),
        groups,
    )


def accuracy_table(judgement: Judgement, records: Sequence[Record]) -> Table | None:
    """Return the test quality of every learner, and what it gains over the first one."""
    groups = []
    for workload, learners in _by_learner(judgement, records, "curve").items():
        if len(learners) < FEWEST:
            continue
        qualities = {
            learner: {r.seed: statistics.fmean(r.test_quality or ()) for r in mine.values()}
            for learner, mine in learners.items()
        }
        control = next(iter(qualities))
        first = next(iter(learners[control].values()))
        shared = shared_tasks(records, first.workload)
        gains = {
            learner: _gain(learners[control], mine) if shared else None
            for learner, mine in learners.items()
        }
        rows = (_accuracy_row(each, qualities, control, gains[each]) for each in qualities)
        direction = "higher" if first.higher_is_better is not False else "lower"
        note = f"{capital(first.metric or 'quality')}, {direction} is better; gains are over "
        groups.append(Group(tuple(rows), workload, f"{note}{control}. Data: {first.data}."))
    return grouped_table(
        "accuracies",
        "Accuracy side by side",
        "Mean quality on the test tasks with its 95 % interval over seeds, and the mean over seeds "
        "of what a learner gains over the first one named with the same seed. Where every seed has "
        "the same test examples, the gain's interval allows for other examples too.",
        (
            Column("Learner", 1.8),
            Column("Over seeds [95 %]", 1.4, numeric=True),
            Column("Gain [95 %]", 1.4, numeric=True),
        ),
        groups,
    )


def _by_learner(judgement: Judgement, records: Sequence[Record], measured: str) -> Found:
    """Return what a pass left of every learner.

    One that several pairs share is counted with all its timed blocks, but once with every seed of
    a pass that gives the same whenever it is repeated.
    """
    found: Found = {}
    for judged in judgement.pairs:
        pair = judged.pair
        if withheld(judged) is not None or pair.ranks > 1:
            continue
        for member in MEMBERS:
            learner = with_settings(pair.learner(member), dict(pair.learner_settings(member)))
            for record in usable(records, pair, measured, member):  # type: ignore[arg-type]  # a Pass
                known = record.block if measured == "step" else str(record.seed)
                mine = found.setdefault(workload_words(pair), {}).setdefault(learner, {})
                mine.setdefault(known, record)
    return found


def _cost_row(
    learner: str,
    timed: Mapping[str, Mapping[str, Record]],
    memory: Mapping[str, Mapping[str, Record]],
    counted: Mapping[str, Mapping[str, Record]],
) -> tuple[Cell, ...]:
    blocks = list(timed.get(learner, {}).values())
    medians = [statistics.median(block.seconds or ()) for block in blocks]
    samples = next((block.samples for block in blocks if block.samples), None)
    rate = Cell(UNKNOWN)
    if medians and samples:
        found = median_interval([samples / seconds for seconds in medians], seed=0)
        rate = Cell(with_bounds(found), count(found.n, "block"))
    seconds = statistics.median(medians) if medians else None
    peak = next((r.peak_bytes for r in memory.get(learner, {}).values()), None)
    passes = next((r.backward_passes for r in counted.get(learner, {}).values()), None)
    return (
        Cell(learner),
        rate,
        Cell(quantity(seconds, "s")),
        Cell(quantity(peak, "bytes")),
        Cell(UNKNOWN if passes is None else str(passes)),
    )


def _about(parts: Sequence[Mapping[str, Mapping[str, Record]]]) -> str:
    """Say how large the model is, and how much a step works on."""
    records: Iterator[Record] = (
        record for part in parts for mine in part.values() for record in mine.values()
    )
    record = next(records)
    words = []
    if record.parameters:
        words.append(f"{significant(record.parameters / 1e6)} million parameters are trained.")
    if record.samples:
        words.append(f"{count(record.samples, 'sample')} a step.")
    return " ".join(words)


def _accuracy_row(
    learner: str,
    qualities: Mapping[str, Mapping[int, float]],
    control: str,
    gain: Interval | None,
) -> tuple[Cell, ...]:
    mine, others = qualities[learner], qualities[control]
    gains = {seed: mine[seed] - others[seed] for seed in mine if seed in others}
    return (
        Cell(learner),
        _over_seeds(mine),
        Cell(UNKNOWN) if learner == control else _over_seeds(gains, gain, signed=True),
    )


def _gain(control: Mapping[str, Record], mine: Mapping[str, Record]) -> Interval | None:
    """Return what a learner gains, with an interval that allows for other shared examples too."""
    before, after = (
        {r.seed: r.test_quality or () for r in each.values()} for each in (control, mine)
    )
    shared = before.keys() & after.keys()
    if len(shared) < 2 or any(len(before[seed]) != len(after[seed]) for seed in shared):
        return None
    return gain_of(before, after, same_tasks=True).gain


def _over_seeds(
    values: Mapping[int, float], known: Interval | None = None, signed: bool = False
) -> Cell:
    if not values:
        return Cell(UNKNOWN)
    seeds = count(len(values), "seed")
    mean = statistics.fmean(values.values())
    found = known or accuracy({s: [v] for s, v in values.items()}).over_seeds
    sign = "+" if signed and mean > 0 else ""
    return Cell(f"{sign}{significant(mean) if found is None else with_bounds(found)}", seeds)
