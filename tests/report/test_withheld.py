"""Of a pair whose check did not pass, no output holds a ratio, a time or a count.

The same run with passed checks shows every one of them, so that each can be missed.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.declare.pair import MEMBERS
from harness.declare.passes import Seen
from harness.judge.judge import judge
from harness.records.record import Record
from harness.report.terminal import print_summary
from harness.report.units import quantity, ratio, ratio_interval
from tests.judge.builders import AA, PAIR, changed, judged, manifest, record, whole, without
from tests.report.composing import compose, write_all

TEAM = dataclasses.replace(
    PAIR, name="team", ranks=2, cores="each", sweep={"inner_steps": (1, 4)}, swept=("memory",)
)
SECONDS = {"baseline": 0.7219, "method": 0.3137}
PEAKS = {"baseline": 41_300_017, "method": 17_900_003}
MORE_PEAKS = {"baseline": 53_700_011, "method": 29_900_009}  # with more inner steps
FLOPS = {"baseline": 7_310_000_033, "method": 5_870_000_021}
CALLS = {"baseline": 7919, "method": 3571}
SUMS, WAITED, SENT = 0.04177, 0.01239, 67_771

BROKEN: dict[str, dict[str, Any] | None] = {
    "failed": {"passed": False},
    "could not be run": {"status": "failed", "reason": "out of eggs"},
    "without an outcome": {"passed": None},
    "planned and never made": None,
}


def sound() -> list[Record[Seen]]:
    """Return a run in which all checks passed, of numbers that are found nowhere else."""
    waits = {"allreduce_seconds": (SUMS,), "imbalance_seconds": (WAITED,)}
    records = whole(TEAM, baseline=SECONDS["baseline"], method=SECONDS["method"], noise=0.0)
    records = changed(records, waits, pair="team", measured="step", member="method")
    sent = {"allreduce_calls": 1, "allreduce_bytes": SENT}
    for member in MEMBERS:
        counts = {"flops": FLOPS[member], "backward_passes": CALLS[member]}
        if member == "method":
            counts |= sent
        records = changed(records, counts, measured="operations", member=member)
        records = changed(records, {"peak_bytes": PEAKS[member]}, measured="memory", member=member)
    grown = [
        record(TEAM, "memory", member, point={"inner_steps": steps}, peak_bytes=peaks[member])
        for member in MEMBERS
        for steps, peaks in ((1, PEAKS), (4, MORE_PEAKS))
    ]
    named = [
        dataclasses.replace(r, block=r.block.replace("/memory/", f"/memory@{r.point}/"))
        for r in grown
    ]
    return records + named


def broken(how: str) -> list[Record[Seen]]:
    about = BROKEN[how]
    if about is None:
        return without(sound(), measured="check")
    return changed(sound(), about, measured="check", member="method")


def forms() -> dict[str, tuple[str, ...]]:
    """Return how a report might write each of the pair's numbers."""
    found: dict[str, tuple[str, ...]] = {
        "sums": (quantity(SUMS, "s"),),
        "waiting": (quantity(WAITED, "s"),),
        "sent": (quantity(SENT, "bytes"),),
    }
    pair = judged(sound(), pairs=(TEAM, AA)).pairs[0]
    for each in pair.ratios:
        at = f"{each.measure} {dict(each.point)}"
        assert each.interval is not None
        found[f"ratio of {at}"] = (ratio_interval(each.interval), ratio(each.interval.estimate))
        for member, value in (("baseline", each.baseline), ("method", each.method)):
            found[f"{at} of the {member}"] = (quantity(value, each.unit),)
    for time in pair.studies["targets"]:
        found[f"seconds to {time.target}"] = (
            quantity(time.baseline_seconds, "s"),
            quantity(time.method_seconds, "s"),
        )
    return found


NUMBERS = (
    *(value for by_member in (SECONDS, PEAKS, MORE_PEAKS) for value in by_member.values()),
    SECONDS["baseline"] / SECONDS["method"],
    SECONDS["baseline"] / SECONDS["method"] / 2,  # by the ranks: the efficiency
    SUMS,
    WAITED,
    SENT,
)


def numbers_in(value: Any) -> Iterator[float]:
    """Yield all numbers of plain data, and of the data that figures are drawn from."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from numbers_in(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def told(records: list[Record[Seen]], folder: Path) -> tuple[str, list[float]]:
    """Return all words that a run's reports hold, and all numbers beneath them."""
    about = manifest(sound(), pairs=(TEAM, AA))  # checks are planned, whether they were made or not
    judgement = judge(about, records)
    content = compose(about, records, judgement)
    write_all(folder, about, records, judgement)
    terminal = io.StringIO()
    print_summary(content, terminal)
    claims = (folder / "claims.json").read_text("utf-8")
    marked = [(folder / "report.html").read_text("utf-8")]
    marked += [path.read_text("utf-8") for path in sorted(folder.glob("figures/**/*.svg"))]
    words = [claims, terminal.getvalue(), *(re.sub(r"<[^>]*>", " ", each) for each in marked)]
    spaced = re.sub(r"\s+", " ", " ".join(words).replace("\u00a0", " "))
    return spaced, [*numbers_in(json.loads(claims)), *numbers_in(content)]


def words_shown(text: str) -> set[str]:
    def holds(written: str) -> bool:
        return (
            re.search(rf"(?<![\d.]){re.escape(written.replace(chr(160), ' '))}", text) is not None
        )

    return {name for name, ways in forms().items() if any(map(holds, ways))}


def numbers_shown(numbers: list[float]) -> set[float]:
    return {wanted for wanted in NUMBERS if any(abs(each / wanted - 1) < 1e-4 for each in numbers)}


def test_all_of_a_sound_pair_is_shown(tmp_path: Path) -> None:
    text, numbers = told(sound(), tmp_path)
    assert words_shown(text) == set(forms())
    assert numbers_shown(numbers) == set(NUMBERS)


@pytest.mark.parametrize("how", BROKEN)
def test_nothing_of_a_pair_is_shown_whose_check_did_not_pass(how: str, tmp_path: Path) -> None:
    text, numbers = told(broken(how), tmp_path)
    assert "team" in text
    assert words_shown(text) == set()
    assert numbers_shown(numbers) == set()
