"""What changed between two runs: each pair's ratios then and now.

A ratio is formed inside one run, from interleaved rounds, so the machine's drift between the runs
has fallen out of it; seconds of different days are shown and never judged. Whether a ratio changed
is decided by its intervals: apart, or not. Counts are compared exactly.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.judge.judge import judge
from harness.judge.judgement import Judgement, Ratio
from harness.records.manifest import Manifest
from harness.records.record import Record

ENVIRONMENT = ("cpu", "usable_cores", "os", "machine", "python", "torch", "blas", "cuda", "gpu")
REGRESSED, NOTHING, ELSEWHERE = 1, 4, 5

Word = Literal["better", "worse", "same", "not compared"]


@dataclass(frozen=True)
class Change:
    """One measure of one pair, in both runs."""

    pair: str
    measure: str
    before: Ratio
    after: Ratio
    word: Word


@dataclass(frozen=True)
class Comparison:
    """All that changed, and how the runs' environments differ."""

    changes: tuple[Change, ...]
    environment: tuple[str, ...]  # "cpu: this, then that"
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        if not self.changes:
            return NOTHING
        if self.environment:
            return ELSEWHERE
        return REGRESSED if any(change.word == "worse" for change in self.changes) else 0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self) | {"exit_code": self.exit_code}, indent=1)

    def to_text(self) -> str:
        rows = [("pair", "measure", "before", "after", "")] + [
            (change.pair, change.measure, _text(change.before), _text(change.after), change.word)
            for change in self.changes
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines += [f"only in the first run: {pair}" for pair in self.only_before]
        lines += [f"only in the second run: {pair}" for pair in self.only_after]
        lines += [f"different environments, {line}" for line in self.environment]
        if self.environment and self.changes:
            lines.append("Ratios of time are not compared across environments; counts are.")
        if not self.changes:
            lines = [*lines[1:], "Nothing was measured in both runs."]
        return "\n".join(lines)


def compare_runs(
    before: Manifest, records_before: Sequence[Record], after: Manifest, records: Sequence[Record]
) -> Comparison:
    """Judge both runs and set their pairs side by side."""
    then, now = _by_name(judge(before, records_before)), _by_name(judge(after, records))
    environment = _differences(before, after)
    return Comparison(
        changes=tuple(
            Change(
                name[0], name[1], then[name], now[name], _word(then[name], now[name], environment)
            )
            for name in then
            if name in now
        ),
        environment=environment,
        only_before=_missing(then, now),
        only_after=_missing(now, then),
    )


def _word(before: Ratio, after: Ratio, environment: Sequence[str]) -> Word:
    then, now = before.interval, after.interval
    if then is None or now is None or (environment and "counted" not in (then.method, now.method)):
        return "not compared"
    if now.low > then.high:
        return "better"
    return "worse" if now.high < then.low else "same"


def _differences(before: Manifest, after: Manifest) -> tuple[str, ...]:
    pairs = [(name, before.probes.get(name), after.probes.get(name)) for name in ENVIRONMENT]
    pairs += [(name, getattr(before, name), getattr(after, name)) for name in ("device", "threads")]
    return tuple(f"{name}: {then}, then {now}" for name, then, now in pairs if then != now)


def _by_name(judgement: Judgement) -> dict[tuple[str, str], Ratio]:
    return {
        (judged.pair.name, str(ratio.measure)): ratio
        for judged in judgement.pairs
        for ratio in judged.ratios
    }


def _missing(
    here: dict[tuple[str, str], Ratio], there: dict[tuple[str, str], Ratio]
) -> tuple[str, ...]:
    return tuple(f"{pair}, {measure}" for pair, measure in here if (pair, measure) not in there)


def _text(ratio: Ratio) -> str:
    found = ratio.interval
    if found is None:
        return ratio.reason or "unknown"
    if found.low == found.high:
        return f"{found.estimate:.4g}"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
