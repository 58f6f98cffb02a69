"""Tuning: what pyperf would set on this machine to make times steadier."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from harness.doctor.disturbances import TUNE
from harness.doctor.finding import Finding, State, fit, unknown

ASK = ("-m", "pyperf", "system", "show")
TOPICS = {
    "Perf event": ("The kernel interrupts steps to sample them.", TUNE),
    "ASLR": ("All processes have one layout of addresses, which may be a lucky one.", TUNE),
    "Linux scheduler": (
        "Other processes and the kernel's own work may take the cores of a step.",
        "Add it to the kernel's command line",
    ),
    "IRQ affinity": ("Devices interrupt the cores that are timed.", TUNE),
    "CPU Frequency": ("The clock rate may change from step to step.", TUNE),
    "Power supply": ("On battery the clock rate is lowered.", "Plug it in"),
}
LOOKED_AT = ("CPU scaling governor", "Turbo Boost")
"""Topics of pyperf's that have a finding of their own."""


def tuning() -> Iterator[Finding]:
    """Yield one finding for each piece of pyperf's advice, which it gives on Linux alone."""
    try:
        command = [sys.executable, *ASK]
        told = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout
    except (OSError, subprocess.SubprocessError):
        told = ""
    if "System state" not in told:
        yield unknown("pyperf", "its `system show` does not know this system")
        return
    advice = list(advised(told))
    yield from advice
    if not advice:
        yield fit("pyperf", "would tune nothing else")


def advised(told: str) -> Iterator[Finding]:
    """Read the advice in what `pyperf system show` prints."""
    lines = iter(told.splitlines())
    for line in lines:
        if line == "Advices":
            break
    next(lines, None)  # what underlines it
    next(lines, None)
    for line in lines:
        if not line:
            return
        topic, _, seen = line.partition(": ")
        if not topic.startswith(LOOKED_AT):
            effect, remedy = TOPICS.get(topic, ("Times vary more.", TUNE))
            yield Finding(f"pyperf on {topic}", State.ADVICE, seen, effect, f"{remedy}.")
