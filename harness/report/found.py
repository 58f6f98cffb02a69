"""What runs found of each published claim, as a table in Markdown, from their `claims.json` alone.

A claim has a line for each run that judges it, in the order of the claims: the range over all of
the run's conditions and readings, and every word that it got. Rivals stand in lines of their own,
and so do the other algorithms of a claim that says that it beats them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.declare.claims import Claim
from harness.declare.measures import COMPARATIVES, MEASURES
from harness.errors import StoreError, UsageError
from harness.judge.ratios import is_gain
from harness.judge.statistics import Interval
from harness.reading import from_json, read_whole
from harness.records.store import replace_file
from harness.report.tables.verdict_table import MEANINGS
from harness.report.units import GAP, UNKNOWN, ratio, ratio_interval, with_bounds

BEGIN = "<!-- found: begin. Written by `python -m harness found`; edit no line up to the end. -->"
END = "<!-- found: end -->"
FILE = "claims.json"
HEADS = ("a paper claims", "published", "measured", "verdicts", "run")

Verdict = Mapping[str, Any]
"""A verdict as `claims.json` has it."""
Beside = Mapping[str, Any]
"""Likewise a claim's method against one of the other algorithms that it is said to beat."""
OF_A_VERDICT = ("claim", "measure", "published", "trust", "word", "rival", "ratio", "own_ratio")
OF_ANOTHER = ("claim", "other", "measure", "ratio")


@dataclass(frozen=True)
class Found:
    """The verdicts of a run, by the run's name."""

    run: str
    verdicts: tuple[Verdict, ...]
    beside: tuple[Beside, ...] = ()

    @classmethod
    def of(cls, path: Path) -> Found:
        """Read the verdicts of a run, by its folder or by that file of it."""
        path = path if path.name == FILE else path / FILE
        folder = path.parent
        try:
            table = from_json(read_whole(path))
            return cls(
                folder.resolve().name,
                tuple(_taken(each, OF_A_VERDICT) for each in table["verdicts"]),
                tuple(_taken(each, OF_ANOTHER) for each in table.get("beside", [])),
            )
        except OSError as error:
            why = error.strerror or error
            raise StoreError(f"{path}: {why}. Write it with `report {folder}`.") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{path}: not the verdicts of a run ({error!r}). Write it with `report {folder}`."
            ) from None


def _taken(found: Any, names: Sequence[str]) -> Mapping[str, Any]:
    return {name: found[name] for name in names}


def found_table(runs: Sequence[Found], claims: Sequence[Claim]) -> str:
    """Return the table's lines; a claim that no run judges says so."""
    rows = [HEADS, ("---",) * len(HEADS)]
    often = Counter(claim.sentence for claim in claims)
    for claim in claims:
        readings = ", ".join(reading.name for reading in claim.readings)
        said = claim.sentence + (f" ({readings})" if often[claim.sentence] > 1 else "")
        mine = list(_rows(runs, claim.name, said))
        rows += mine or [(said, UNKNOWN, "no run of these judges it", UNKNOWN, UNKNOWN)]
    return "".join(f"| {' | '.join(map(_escaped, row))} |\n" for row in rows).replace(GAP, " ")


def write_into(path: Path, table: str) -> None:
    """Put the table into a file, between its two marks."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise StoreError(f"into={path}: {error.strerror or error}.") from None
    replace_file(path, within(text, table, f"into={path}").encode())


def within(text: str, table: str, where: str) -> str:
    """Return the text with the table between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(
            f"{where}: no place for the table. Mark it with these lines:\n{BEGIN}\n{END}"
        )
    return f"{before}{BEGIN}\n{table}{END}{after}"


def _rows(runs: Sequence[Found], claim: str, said: str) -> Iterator[tuple[str, ...]]:
    for run in runs:
        for rival in (False, True):
            mine = [
                each for each in run.verdicts if each["claim"] == claim and each["rival"] is rival
            ]
            if mine and not (rival and all(each["ratio"] is None for each in mine)):
                about = f"{said} (rivals)".strip() if rival else said
                yield about, _published(mine), _measured(mine), _words(mine), f"`{run.run}`"
                said = ""
        if others := [each for each in run.beside if each["claim"] == claim]:
            about = f"{said} (other algorithms)".strip()
            yield about, UNKNOWN, _over_others(others), "by costs alone", f"`{run.run}`"
            said = ""


def _over_others(others: Sequence[Beside]) -> str:
    """Name the least and the most over all algorithms that were measured, and the others."""
    known = dict.fromkeys(each["other"] for each in others if each["ratio"])
    absent = dict.fromkeys(each["other"] for each in others if each["other"] not in known)
    parts = []
    if known:
        parts.append(f"{_ranges(others)} over {', '.join(f'`{name}`' for name in known)}")
    if absent:
        parts.append(f"not measured over {', '.join(f'`{name}`' for name in absent)}")
    return "; ".join(parts)


def _published(verdicts: Sequence[Verdict]) -> str:
    """Name the published values or, where the source gives none, what is asked for."""
    told = sorted({v["published"] for v in verdicts if v["trust"] != "ours"})
    asked = sorted({v["published"] for v in verdicts if v["trust"] == "ours"})
    return ", ".join(
        [*(f"{value:g}" for value in told), *(f"no figure; {value:g} asked" for value in asked)]
    )


def _measured(verdicts: Sequence[Verdict]) -> str:
    """Name the least and the most over all conditions, and the method's own part in them."""
    return _ranges(verdicts) or UNKNOWN


def _ranges(measured: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for kind in dict.fromkeys(_kind(each["measure"]) for each in measured):
        mine = [each for each in measured if _kind(each["measure"]) == kind]
        write = with_bounds if is_gain(mine[0]["measure"]) else ratio_interval
        found = sorted(map(_interval, (v for v in mine if v["ratio"])), key=lambda i: i.estimate)
        if found:
            ends = dict.fromkeys((write(found[0]), write(found[-1])))
            parts.append(f"{' to '.join(ends)} {kind}")
        own = [each["own_ratio"]["estimate"] for each in mine if each.get("own_ratio")]
        if own and not is_gain(mine[0]["measure"]):
            ends = dict.fromkeys((ratio(min(own)), ratio(max(own))))
            parts.append(f"the method's own part {' to '.join(ends)}")
    return "; ".join(parts)


def _kind(measure: str) -> str:
    """Say what a figure is of; figures of one kind share a range."""
    row = MEASURES.of(measure)
    return "less" if row is None else COMPARATIVES[row.scale]


def _interval(verdict: Verdict) -> Interval:
    known = ("estimate", "low", "high", "n", "method")
    return Interval(**{name: verdict["ratio"][name] for name in known})


def _words(verdicts: Sequence[Verdict]) -> str:
    """Count the words, in the order in which reports explain them."""
    count = Counter(each["word"] for each in verdicts)
    known = [word for word in MEANINGS if word in count]
    if len(verdicts) == 1:
        return known[0]
    return ", ".join(f"{count[word]} {word}" for word in known)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
