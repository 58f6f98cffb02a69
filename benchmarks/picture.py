"""Every gate of the benchmark in one picture: what it measured, and how long it took to decide.

python -m benchmarks.picture outcomes.jsonl gates.svg
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from benchmarks.gate import Outcome, read
from harness.records.store import ANOTHER_FILE, replace_file
from harness.report.svg import GRID, INK, MARK, METHOD, MUTED, OTHERS, WIDTH_IN, style, to_svg

COLOURS = {"same": METHOD, "slower": MARK}
MARKERS = {"crowd": "o", "quiet": "D", "busy": "s", "switching": "^"}
ALLOWED = 5
"""The slow-down that the benchmark's gates let pass, in per cent."""


def main(words: list[str]) -> int:
    if len(words) != 2:
        print("error: name a file of outcomes and the picture to write.", file=sys.stderr)
        return 2
    outcomes = read(Path(words[0]))
    replace_file(Path(words[1]), draw(outcomes).encode(), ANOTHER_FILE)
    return 0


def draw(outcomes: Sequence[Outcome]) -> str:
    """Return the picture as SVG; a gate that took no time of a step is not in it."""
    seen = [(each, ends) for each in outcomes if (ends := _slower(each))]
    with style():
        canvas = Canvas(figsize=(2 * WIDTH_IN, WIDTH_IN), layout="constrained")
        ax = canvas.subplots()
        ax.axhline(0, color=GRID, zorder=0)
        ax.axhline(ALLOWED, color=MUTED, linestyle=(0, (4, 1.2)), zorder=0)
        for each, (low, middle, high) in seen:
            colour = COLOURS[each["kind"]] if _is_right(each) else OTHERS[1]
            look: dict[str, Any] = {"color": colour, "alpha": 0.75}
            ax.plot([each["seconds"]] * 2, [low, high], linewidth=0.6, **look)
            ax.plot(each["seconds"], middle, MARKERS[each["load"]], markeredgewidth=0, **look)
        ax.set_xlabel("seconds until the gate was done")
        ax.set_ylabel("head slower than base, %")
        loads = dict.fromkeys(each["load"] for each, _ in seen)
        lines = [Line2D([], [], color=INK, marker=MARKERS[load], linewidth=0) for load in loads]
        names: list[str] = list(loads)
        for kind, told in (("same", "the same code: passed"), ("slower", "made slower: found")):
            lines.append(Line2D([], [], color=COLOURS[kind]))
            names.append(told)
        if not all(_is_right(each) for each, _ in seen):
            lines.append(Line2D([], [], color=OTHERS[1]))
            names.append("anything else")
        canvas.legend(lines, names, loc="outside upper center", ncols=len(lines))
        title = f"{len(seen)} gates whose truth is known"
        return to_svg(canvas, "gates", title, "Measured slow-down against the time to a verdict.")


def _slower(outcome: Outcome) -> tuple[float, float, float] | None:
    """Return the low end, the estimate and the high end of how much slower head was, in %."""
    for finding in outcome.get("findings", ()):
        if finding["measure"] == "step_time" and (ratio := finding["ratio"]):
            low, middle, high = (100 * (ratio[end] - 1) for end in ("low", "estimate", "high"))
            return low, middle, high
    return None


def _is_right(outcome: Outcome) -> bool:
    return bool(outcome["exit"] == (1 if outcome["kind"] == "slower" else 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
