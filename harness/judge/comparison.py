"""What changed between two runs: each pair's ratios then and now.

A ratio is formed inside one run, from interleaved rounds, so the machine's drift between the runs
has fallen out of it; seconds of different days are shown and never judged. A ratio of times changed
if its intervals, each of enough rounds, lie apart by more than the larger noise floor of the two
runs. Counts are compared exactly. A pair of a baseline with itself shows the noise: it is never
judged.

The exit code is the first of these that applies:

    4   the runs share no pair
    6   a gradient check that passed before fails now
    1   something is worse
    5   the runs come from different environments
    4   nothing could be compared
    3   inconclusive: what could be compared had too few rounds, or noise of unknown size
    0   none of these: something was compared, and nothing is worse
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.declare.measures import MEASURES
from harness.declare.passes import Seen
from harness.declare.point import words_of
from harness.declare.suite import MEMBERS, settings_words
from harness.errors import ELSEWHERE, INCONCLUSIVE, MISMATCH, NOTHING, PASSED, REGRESSED
from harness.judge.judge import judge
from harness.judge.judgement import Judgement, Ratio
from harness.judge.noise.pair_noise import Noise
from harness.judge.noise.run_noise import Noises
from harness.judge.statistics import MIN_ROUNDS, Bounds
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.registry import Registry

ENVIRONMENT = ("cpu", "usable_cores", "os", "machine", "python", "torch", "blas", "cuda", "gpu")
EXACT = frozenset({Bounds.COUNTED, Bounds.INHERITED})  # intervals that rest on no sample

Word = Literal["better", "worse", "same", "too few rounds", "noise unknown", "A/A", "not compared"]
JUDGED: frozenset[Word] = frozenset({"better", "worse", "same"})
UNDECIDED: frozenset[Word] = frozenset({"too few rounds", "noise unknown"})


@dataclass(frozen=True)
class Change:
    """One measure of one pair, in both runs."""

    pair: str
    measure: str
    before: Ratio
    after: Ratio
    word: Word
    reason: str | None = None  # why nothing was decided
    point: str = ""  # of the pair's sweep, as words


@dataclass(frozen=True)
class Comparison:
    """All that changed, and how the runs' environments differ."""

    changes: tuple[Change, ...]
    mismatches: tuple[str, ...]  # whose gradient check passed before and fails now, and where
    environment: tuple[str, ...]  # "cpu: this, then that"
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    share_a_pair: bool = True

    @property
    def exit_code(self) -> int:
        words = {change.word for change in self.changes}
        if not self.share_a_pair:
            return NOTHING
        if self.mismatches:
            return MISMATCH
        if "worse" in words:
            return REGRESSED
        if self.environment:
            return ELSEWHERE
        if words & JUDGED:
            return PASSED
        return INCONCLUSIVE if words & UNDECIDED else NOTHING

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self) | {"exit_code": self.exit_code}, indent=1)

    def to_text(self) -> str:
        rows = [("pair", "measure", "before", "after", "")] + [
            (
                change.pair,
                f"{change.measure} {change.point}".strip(),
                _text(change.before),
                _text(change.after),
                change.word,
            )
            for change in self.changes
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines += dict.fromkeys(
            f"{change.word}: {change.reason}"
            for change in self.changes
            if change.word in UNDECIDED and change.reason
        )
        lines += [f"passed before and fails now, {line}" for line in self.mismatches]
        lines += [f"only in the first run: {pair}" for pair in self.only_before]
        lines += [f"only in the second run: {pair}" for pair in self.only_after]
        lines += [f"different environments, {line}" for line in self.environment]
        if self.environment and self.changes:
            lines.append("Ratios of time are not compared across environments; counts are.")
        if not self.share_a_pair:
            lines = [*lines[1:], "Nothing was compared: the runs share no pair."]
        elif not self.changes:
            lines = [*lines[1:], "Nothing was measured in both runs."]
        elif self.exit_code == NOTHING:
            lines.append("Nothing could be compared.")
        elif self.exit_code == INCONCLUSIVE:
            lines.append("Inconclusive: no change could be decided.")
        return "\n".join(lines)


def compare_runs(
    before: Manifest,
    records_before: Sequence[Record[Seen]],
    after: Manifest,
    records: Sequence[Record[Seen]],
    registry: Registry | None = None,
) -> Comparison:
    """Judge both runs and set their pairs side by side."""
    known = registry or Registry()
    judged, judged_now = judge(before, records_before, known), judge(after, records, known)
    return compare_judged(before, judged, after, judged_now)


def compare_judged(
    before: Manifest, judged: Judgement, after: Manifest, judged_now: Judgement
) -> Comparison:
    """Set the pairs of two judged runs side by side."""
    then, now = _by_name(judged), _by_name(judged_now)
    environment = _differences(before, after)
    aa = {each.pair.name for each in (*judged.pairs, *judged_now.pairs) if each.pair.is_aa}
    noises = Noises(judged.twins), Noises(judged_now.twins)
    changes = []
    for name in (name for name in then if name in now):
        pair, measure, point = name
        ratios = then[name], now[name]
        word, reason = (
            ("A/A", "both members are the same")
            if pair in aa
            else _decide(*ratios, [each.of_pair(pair) for each in noises], bool(environment))
        )
        changes.append(Change(pair, measure, *ratios, word, reason, point))
    return Comparison(
        changes=tuple(changes),
        mismatches=_mismatches(judged, judged_now),
        environment=environment,
        only_before=_missing(then, now),
        only_after=_missing(now, then),
        share_a_pair=not _names(before).isdisjoint(_names(after)),
    )


def _names(manifest: Manifest) -> set[str]:
    return {pair.name for pair in manifest.suite.pair}


def _decide(
    before: Ratio, after: Ratio, noises: Sequence[Noise], elsewhere: bool
) -> tuple[Word, str | None]:
    """Return the word for a change, and why if it decides nothing."""
    then, now = before.interval, after.interval
    if then is None or now is None:
        return "not compared", after.reason or before.reason
    exact = {then.method, now.method} <= EXACT
    if elsewhere and {then.method, now.method} != {Bounds.COUNTED}:
        return "not compared", "the runs come from different environments"
    if not exact and min(then.n, now.n) < MIN_ROUNDS:
        return "too few rounds", f"both runs need {MIN_ROUNDS} rounds to judge a change"
    floor = 0.0
    if MEASURES.nature(before.measure) == "clock":
        floors = [noise.floor_of(before.measure) for noise in noises]
        known = [each for each in floors if each is not None]
        if len(known) < len(floors):
            runs = [
                run for run, each in zip(("first", "second"), floors, strict=True) if each is None
            ]
            return "noise unknown", (
                f"no baseline beside itself in the {' and the '.join(runs)} run has the "
                f"{MIN_ROUNDS} rounds that tell how large the noise is"
            )
        floor = max(known)
    if now.low > then.high * (1 + floor):
        return "better", None
    return ("worse" if now.high * (1 + floor) < then.low else "same"), None


def _mismatches(before: Judgement, after: Judgement) -> tuple[str, ...]:
    """Return the checks that passed before and fail now, each learner's once."""
    passed = {who for who, (outcome, _) in _checks(before).items() if outcome is True}
    return tuple(
        f"the gradient check of {' '.join(who).rstrip()}{f' at {case}' if case else ''}"
        for who, (outcome, case) in _checks(after).items()
        if outcome is False and who in passed
    )


def _checks(judgement: Judgement) -> dict[tuple[str, str], tuple[bool | None, str | None]]:
    """Return by learner and settings whether the check passed, and its worst case."""
    return {
        (debt.learner, settings_words(dict(judged.pair.learner_settings(member)))): (
            debt.passed,
            debt.worst_case,
        )
        for judged in judgement.pairs
        for member, debt in zip(MEMBERS, judged.debts, strict=False)  # none where none was asked
    }


def _differences(before: Manifest, after: Manifest) -> tuple[str, ...]:
    pairs = [(name, before.probes.get(name), after.probes.get(name)) for name in ENVIRONMENT]
    pairs += [(name, getattr(before, name), getattr(after, name)) for name in ("device", "threads")]
    return tuple(f"{name}: {then}, then {now}" for name, then, now in pairs if then != now)


Name = tuple[str, str, str]
"""A pair, a measure, and the point of the pair's sweep, as words."""


def _by_name(judgement: Judgement) -> dict[Name, Ratio]:
    return {
        (judged.pair.name, str(ratio.measure), words_of(ratio.point)): ratio
        for judged in judgement.pairs
        for ratio in judged.ratios
    }


def _missing(here: dict[Name, Ratio], there: dict[Name, Ratio]) -> tuple[str, ...]:
    return tuple(", ".join(filter(None, name)) for name in here if name not in there)


def _text(ratio: Ratio) -> str:
    found = ratio.interval
    if found is None:
        return ratio.reason or "unknown"
    if found.low == found.high:
        return f"{found.estimate:.4g}"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
