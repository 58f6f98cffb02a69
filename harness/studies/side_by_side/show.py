"""All learners on one workload: what each costs, how good it is, and their profile of times."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.judge.judgement import Judgement
from harness.report.figures.axes import learner_style, learners_legend, panels
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import GRID
from harness.report.section import ACCURACY, SPEED, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import (
    UNKNOWN,
    count,
    percent,
    quantity,
    ratio,
    signed,
    significant,
    with_bounds,
)
from harness.report.words import capital, shorten
from harness.studies.side_by_side.costs import Cost, Costs
from harness.studies.side_by_side.front import figures
from harness.studies.side_by_side.judge import Finding
from harness.studies.side_by_side.profiles import Profile
from harness.studies.side_by_side.standings import Mean, Standing, Standings


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    return {"side_by_side": dataclasses.asdict(judgement.studies["side_by_side"])}


def parts(judgement: Judgement) -> Iterator[Part]:
    found: Finding = judgement.studies["side_by_side"]
    yield Part(SPEED, 11, tuple(figures(found.costs)), (cost_table(found.costs),))
    yield Part(SPEED, 13, tuple(map(Profiles, found.profiles)))
    yield Part(ACCURACY, 31, tables=(accuracy_table(found.standings),))


@dataclass(frozen=True)
class Profiles(Figure):
    kind: ClassVar[str] = "profile"

    found: Profile

    @property
    def title(self) -> str:
        return "Performance profile"

    @property
    def caption(self) -> str:
        return (
            f"Share of {count(self.found.problems, 'workload')} on which a learner's step takes at "
            "most a given multiple of the best learner's time. Higher and further left is better; "
            "a learner that was not run on a workload counts as not solving it."
        )

    @property
    def alternative(self) -> str:
        return "Step plot of shares. " + told(
            f"{solver}: the best on {percent(line[0][1])}, within {ratio(line[-1][0])} of the "
            f"best on {percent(line[-1][1])}"
            for solver, line in self.found.steps
        )

    def draw(self) -> Canvas:
        steps = self.found.steps
        canvas, (ax,) = panels(1, height=1.5, head=0.13 * len(steps) + 0.08)
        last = max(tau for _, line in steps for tau, _ in line)
        end = 1 + 1.08 * max(last - 1, 0.1)
        for number, (solver, line) in enumerate(steps):
            taus = [tau for tau, _ in line] + [end]
            shares = [share for _, share in line] + [line[-1][1]]
            look = learner_style(number)
            ax.step(taus, shares, where="post", **look, label=shorten(solver, 52))
        ax.set_xlim(1, end)
        ax.set_ylim(-0.03, 1.05)
        ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.set_xlabel("times the best learner's step time")
        ax.set_ylabel("share of workloads")
        learners_legend(ax)
        return canvas


def cost_table(found: Sequence[Costs]) -> Table | None:
    """Return what a step costs every learner, on each workload that several were timed on."""
    return grouped_table(
        "costs",
        "Learners side by side",
        "Medians over all blocks of a learner on a workload with 95 % intervals (the span where "
        "there are few blocks), and counts. The pairs table has the ratios; there both members "
        "were measured in alternation.",
        (
            Column("Learner", 1.5),
            Column("Samples per second [95 %]", 1.5, numeric=True),
            Column("Step time", 0.9, numeric=True),
            Column("Peak memory", 0.9, numeric=True),
            Column("Backward passes", 0.8, numeric=True),
        ),
        [
            Group(tuple(map(_cost_row, costs.learners)), costs.workload, _about(costs))
            for costs in found
        ],
    )


def accuracy_table(found: Sequence[Standings]) -> Table | None:
    """Return the test quality of every learner, what it gains over controls, and its price."""
    beside = next((each.control for each in found if each.control), None)
    columns = [
        Column("Learner", 1.6),
        Column("Over seeds [95 %]", 1.5, numeric=True),
        Column("Difference [95 %]", 1.5, numeric=True),
        *([Column(f"From {beside} [95 %]", 1.5, numeric=True)] if beside else []),
        Column("Steps to target", 0.9, numeric=True),
        Column("Time to target", 0.9, numeric=True),
        Column("Step", 0.8, numeric=True),
        Column("Peak", 0.8, numeric=True),
    ]
    return grouped_table(
        "accuracies",
        "Quality and cost side by side",
        "Mean quality on the test tasks with its 95 % interval over seeds, and the mean difference "
        "from the first learner of each group, paired by seed. Where all seeds have the same test "
        "examples, its interval covers other examples too. Steps: when half of the "
        "seeds had reached the target, which is set by rule from the first learner. Time to target "
        "is derived: these steps times the median step time.",
        tuple(columns),
        [
            Group(
                tuple(_accuracy_row(row, over=bool(beside)) for row in each.learners),
                each.workload,
                _about_standings(each),
            )
            for each in found
        ],
        wide=True,
    )


def _about_standings(found: Standings) -> str:
    target = "" if found.target is None else f" Target: {significant(found.target)}."
    return (
        f"{capital(found.metric)}, {'higher' if found.higher_is_better else 'lower'} is better; "
        f"differences are from {found.learners[0].learner}.{target} Data: {found.data}."
    )


def _cost_row(cost: Cost) -> tuple[Cell, ...]:
    rate, passes = cost.rate, cost.backward_passes
    return (
        Cell(cost.learner),
        Cell(UNKNOWN) if rate is None else Cell(with_bounds(rate), count(rate.n, "block")),
        Cell(quantity(cost.seconds, "s")),
        Cell(quantity(cost.peak_bytes, "bytes")),
        Cell(UNKNOWN if passes is None else str(passes)),
    )


def _about(costs: Costs) -> str:
    """Say how large the model is, and how much a step works on."""
    words = []
    if costs.parameters:
        words.append(f"{significant(costs.parameters / 1e6)} million trained parameters.")
    if costs.samples:
        words.append(f"{count(costs.samples, 'sample')} per step.")
    return " ".join(words)


def _accuracy_row(standing: Standing, *, over: bool) -> tuple[Cell, ...]:
    steps = UNKNOWN if standing.steps is None else significant(standing.steps)
    return (
        Cell(standing.learner),
        _over_seeds(standing.quality),
        _over_seeds(standing.gain, is_gain=True),
        *([_over_seeds(standing.beside, is_gain=True)] if over else []),
        Cell(steps, standing.reached),
        Cell(quantity(standing.seconds_to_target, "s")),
        Cell(quantity(standing.seconds, "s")),
        Cell(quantity(standing.peak_bytes, "bytes")),
    )


def _over_seeds(mean: Mean | None, is_gain: bool = False) -> Cell:
    if mean is None:
        return Cell(UNKNOWN)
    text = significant(mean.value) if mean.interval is None else with_bounds(mean.interval)
    return Cell(signed(text, mean.value) if is_gain else text, count(mean.seeds, "seed"))
