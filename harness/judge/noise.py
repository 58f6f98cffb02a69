"""The noise of a run: what a baseline measured against itself shows where nothing differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.statistics import MIN_ROUNDS, Interval, aa_holds, noise_floor


@dataclass(frozen=True)
class Noise:
    """The noise floor, whether every A/A interval covers 1.00, and what is to be said about it.

    Both are None while no A/A pair has the rounds that an interval needs: a span of three rounds is
    no measure of noise, neither for nor against.
    """

    floor: float | None
    ok: bool | None
    remarks: tuple[str, ...]


def noise_of(found: Sequence[tuple[str, Interval]]) -> Noise:
    """Judge what the A/A pairs measured, each named by pair and measure; the worst decides."""
    enough = [(name, interval) for name, interval in found if interval.n >= MIN_ROUNDS]
    remarks = [
        f"A/A pair {name}: {interval.low:.4f} to {interval.high:.4f} misses 1.00, although nothing "
        "differs between its members, so every verdict on time is inconclusive"
        for name, interval in enough
        if not aa_holds(interval)
    ]
    remarks += [
        f"A/A pair {name} has {interval.n} of the {MIN_ROUNDS} rounds that a noise floor needs"
        for name, interval in found
        if interval.n < MIN_ROUNDS
    ]
    if not found:
        remarks.append("no A/A pair gave an interval, so how large the noise is remains unknown")
    if not enough:
        return Noise(None, None, tuple(remarks))
    return Noise(
        max(noise_floor(interval) for _, interval in enough),
        all(aa_holds(interval) for _, interval in enough),
        tuple(remarks),
    )
