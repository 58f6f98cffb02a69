"""The figure of time against bytes: which learners no other on the workload is ahead of in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.report.figures.axes import (
    ROW,
    learner_style,
    log_axis,
    name_ends,
    panels,
)
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID, MUTED, PAPER
from harness.report.units import quantity, scale
from harness.report.words import shorten
from harness.studies.side_by_side.costs import Costs
from harness.studies.side_by_side.learners import FEWEST

PANELS = 2


@dataclass(frozen=True)
class Spot:
    """Where a learner stands."""

    learner: str
    seconds: float
    peak_bytes: int
    on_front: bool


@dataclass(frozen=True)
class Plane:
    """The learners of one workload of which both are known."""

    workload: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Fronts(Figure):
    kind: ClassVar[str] = "front"

    planes: tuple[Plane, ...]

    @property
    def title(self) -> str:
        return "Time against memory"

    @property
    def caption(self) -> str:
        return (
            "Median time of a step, and peak bytes during one above those alive at its start, of "
            "every learner on a workload; both axes are logarithmic, and further down and left is "
            "better. Filled: no other learner is both as fast and as small (the Pareto front, "
            "dotted). Open: another one is."
        )

    @property
    def alternative(self) -> str:
        return "Plots of step time against peak bytes. " + told(
            f"{plane.workload}, {spot.learner}: {quantity(spot.seconds, 's')}, "
            f"{quantity(spot.peak_bytes, 'bytes')}{', on the front' if spot.on_front else ''}"
            for plane in self.planes
            for spot in plane.spots
        )

    def draw(self) -> Canvas:
        most = max(len(plane.spots) for plane in self.planes)
        canvas, axes = panels(len(self.planes), height=max(1.1, ROW * most))
        for ax, plane in zip(axes, self.planes, strict=True):
            _draw(ax, plane)
        return canvas


def figures(found: Sequence[Costs]) -> Iterator[Figure]:
    planes = [
        Plane(
            costs.workload,
            tuple(
                Spot(each.learner, each.seconds, each.peak_bytes, each.on_front)
                for each in costs.learners
                if each.seconds and each.peak_bytes and each.on_front is not None
            ),
        )
        for costs in found
    ]
    shown = [plane for plane in planes if len(plane.spots) >= FEWEST]
    yield from map(Fronts, chunks(shown, PANELS))


def _draw(ax: Axes, plane: Plane) -> None:
    times, time_unit = scale(max(spot.seconds for spot in plane.spots), "s")
    sizes, size_unit = scale(max(spot.peak_bytes for spot in plane.spots), "bytes")
    places = [(spot.seconds / times, spot.peak_bytes / sizes) for spot in plane.spots]
    front = sorted(place for place, spot in zip(places, plane.spots, strict=True) if spot.on_front)
    ax.step(*zip(*front, strict=True), where="post", color=MUTED, linewidth=0.8, linestyle=":")
    for number, (place, spot) in enumerate(zip(places, plane.spots, strict=True)):
        colour = learner_style(number)["color"]
        inside = colour if spot.on_front else PAPER
        ax.plot(*place, "o", color=colour, markerfacecolor=inside, markersize=4, zorder=3)
    log_axis(ax, "x", [x for x, _ in places], pad=1.1)
    log_axis(ax, "y", [y for _, y in places], pad=1.1)
    ax.grid(color=GRID, linewidth=0.4)
    ax.set_xlabel(f"step time ({time_unit}, log)")
    ax.set_ylabel(f"peak bytes ({size_unit}, log)")
    ax.set_title(shorten(plane.workload, 60), loc="left", weight="bold", pad=3)
    name_ends(ax, places, [shorten(spot.learner, 19) for spot in plane.spots])
