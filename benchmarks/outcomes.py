"""Outcomes: a file of one line each; and of gates, how good their answers are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks.rates import with_interval

Outcome = dict[str, Any]
LOADS = ("quiet", "busy", "switching")
CROWD = "crowd"
ALARMS = (1, 6)
"""The exit codes by which a gate accuses a commit."""


def read(path: Path) -> list[Outcome]:
    """Return all that was written whole."""
    lines = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [json.loads(line) for line in lines.splitlines()]


def append(path: Path, outcome: Outcome) -> None:
    """Write one more line; what a killed benchmark left torn goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(outcome).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def of_one_kind(
    outcomes: Iterable[Outcome], tree: Sequence[str], percent: int, limit_s: int
) -> list[Outcome]:
    """Return what may be counted together. A gate of equal commits has no per cent."""
    return [
        each
        for each in outcomes
        if (each["tree"], each["limit_s"]) == (tree, limit_s)
        and (each["kind"] == "same" or each["percent"] == percent)
    ]


def answer(outcome: Outcome, limit_s: int) -> Literal["right", "wrong", "open"]:
    """Say what a gate's answer was worth. A slow-down that is found too late is not found."""
    accused = outcome["exit"] in ALARMS
    if outcome["kind"] == "same":
        return "wrong" if accused else "right" if outcome["exit"] == 0 else "open"
    if outcome["exit"] == 1 and outcome["seconds"] <= limit_s:
        return "right"
    return "open" if outcome["exit"] == 3 else "wrong"


def slow_down(outcome: Outcome) -> tuple[float, float, float] | None:
    """Return how much slower head was, in %: the low end, the estimate and the high end."""
    for finding in outcome.get("findings", ()):
        if finding["measure"] == "step_time" and (ratio := finding["ratio"]):
            low, middle, high = (100 * (ratio[end] - 1) for end in ("low", "estimate", "high"))
            return low, middle, high
    return None


def summary(done: Sequence[Outcome], percent: int, limit_s: int) -> str:
    """Return both rates with their exact intervals, all in all and for every load."""
    lines = []
    for kind, asked, counted in (
        ("same", "false alarms", "wrong"),
        ("slower", f"detected, {percent} % slower, within {limit_s} s", "right"),
    ):
        for load in ("all", *LOADS, CROWD):
            chosen = [
                each for each in done if each["kind"] == kind and load in ("all", each["load"])
            ]
            if not chosen:
                continue
            answers = [answer(each, limit_s) for each in chosen]
            seconds = sorted(each["seconds"] for each in chosen)
            lines.append(
                f"{asked}, {load}: {with_interval(answers.count(counted), len(chosen))}; "
                f"{answers.count('open')} inconclusive; seconds: median "
                f"{seconds[len(seconds) // 2]:.0f}, longest {seconds[-1]:.0f}"
            )
    for kind, told in (("same", "equal commits"), ("slower", f"{percent} % slower")):
        seen = sorted(
            ends[1] for each in done if each["kind"] == kind and (ends := slow_down(each))
        )
        if seen:
            lines.append(
                f"slow-down that gates measured, {told}: median {seen[len(seen) // 2]:.1f} %, "
                f"{seen[0]:.1f} to {seen[-1]:.1f}"
            )
    other = [each for each in done if each["exit"] not in (0, 3, *ALARMS)]
    lines += [f"{len(other)} gates ended in another way: {other[0]}"] if other else []
    return "\n".join(lines) or "nothing was measured yet"
