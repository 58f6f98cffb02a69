"""The benchmark's gates in one picture: what each measured, and how long it took to decide.

    python -m benchmarks.picture outcomes.jsonl gates.svg

Drawn are the gates of the code that the last line of the file is about, at whatever per cent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from benchmarks.outcomes import Outcome, answer, read, slow_down
from harness.errors import HarnessError, UsageError
from harness.gate.config import GateConfig
from harness.records.store import ANOTHER_FILE, replace_file
from harness.report.figures.svg import (
    GRID,
    INK,
    MARK,
    METHOD,
    MUTED,
    OTHERS,
    WIDTH_IN,
    style,
    to_svg,
)

COLOURS = {"same": METHOD, "slower": MARK}
MISTAKEN = OTHERS[1]
MARKERS = {"crowd": "o", "quiet": "D", "busy": "s", "switching": "^"}


def main(words: list[str]) -> int:
    try:
        if len(words) != 2:
            raise UsageError("Name a file of outcomes and the picture to write.")
        outcomes = read(Path(words[0]))
        if not outcomes:
            raise UsageError(f"{words[0]}: no gate's outcome is in it. Run benchmarks.gate.")
        replace_file(Path(words[1]), draw(outcomes).encode(), ANOTHER_FILE)
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    return 0


def draw(outcomes: Sequence[Outcome]) -> str:
    """Return the picture as SVG; it counts the gates that took no time of a step."""
    last = outcomes[-1]
    alike = [o for o in outcomes if (o["tree"], o["limit_s"]) == (last["tree"], last["limit_s"])]
    seen = [(each, ends) for each in alike if (ends := slow_down(each))]
    right = {id(each): answer(each, each["limit_s"]) == "right" for each, _ in seen}
    with style():
        canvas = Canvas(figsize=(2 * WIDTH_IN, WIDTH_IN), layout="constrained")
        ax = canvas.subplots()
        ax.axhline(0, color=GRID, zorder=0)
        allowed = 100 * GateConfig.threshold
        ax.axhline(allowed, color=MUTED, linestyle=(0, (4, 1.2)), zorder=0)
        for each, (low, middle, high) in seen:
            colour = COLOURS[each["kind"]] if right[id(each)] else MISTAKEN
            look: dict[str, Any] = {"color": colour, "alpha": 0.75}
            ax.plot([each["seconds"]] * 2, [low, high], linewidth=0.6, **look)
            ax.plot(each["seconds"], middle, MARKERS[each["load"]], markeredgewidth=0, **look)
        ax.set_xlabel("seconds until the gate was done")
        ax.set_ylabel("head slower than base, %")
        loads = dict.fromkeys(each["load"] for each, _ in seen)
        lines = [Line2D([], [], color=INK, marker=MARKERS[load], linewidth=0) for load in loads]
        lines += [Line2D([], [], color=colour) for colour in (*COLOURS.values(), MISTAKEN)]
        told = ["equal commits: passed", "made slower: found"]
        told.append(f"anything else: {sum(not each for each in right.values())}")
        canvas.legend(lines, [*loads, *told], loc="outside upper center", ncols=len(lines))
        left_out = (
            f", {len(alike) - len(seen)} more took no times" if len(alike) > len(seen) else ""
        )
        title = f"{len(seen)} gates whose truth is known{left_out}"
        return to_svg(canvas, "gates", title, "Measured slow-down against the time to a verdict.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
