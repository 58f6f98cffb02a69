"""What `explain` prints: from a run's verdicts to the records that they rest on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import UnknownName
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.judge.ratios import is_gain
from harness.report.account import Account, accounts
from harness.report.units import GAP
from harness.report.words import clean
from harness.report.write import finite, verdict_plain

COMMAND = "python -m harness explain"


def explained(
    evidence: Evidence, judgement: Judgement, pair: str | None, measure: str | None
) -> list[Account]:
    """Return the accounts that were asked for."""
    every = list(accounts(evidence, judgement))
    if pair is None:
        return [each for each in every if each.verdicts]
    names = [judged.pair.name for judged in judgement.pairs]
    if pair not in names:
        raise UnknownName("pair", pair, names)
    mine = [each for each in every if each.judged.pair.name == pair]
    known = list(dict.fromkeys(each.trace.measure for each in mine))
    if measure is None:
        return mine
    if measure not in known:
        raise UnknownName("measure", measure, known, where=f"pair {pair}")
    return [each for each in mine if each.trace.measure == measure]


def as_text(found: Sequence[Account], run: str, whole: bool) -> str:
    """Return the accounts as lines: whole, or one line a verdict or figure and how to go on."""
    if whole:
        lines = [line for each in found for line in _whole(each, run)]
    else:
        lines = [line for each in found for line in _brief(each)]
        lines += ["", *_next(found, run)]
    return clean_lines(lines)


def as_json(found: Sequence[Account], run: str) -> str:
    """Return the accounts as one object."""
    table: dict[str, Any] = {
        "run": run,
        "figures": [
            each.plain()
            | {
                "verdicts": [verdict_plain(v, each) for v in each.verdicts],
                "recompute": list(each.recipe(run)),
            }
            for each in found
        ],
    }
    return json.dumps(finite(table), indent=1, ensure_ascii=False)


def clean_lines(lines: Sequence[str]) -> str:
    """Join lines, without characters that steer a terminal; a recipe's indents stay."""
    return "\n".join(clean(line.replace(GAP, " ")) for line in lines)


def _brief(account: Account) -> Iterator[str]:
    name = f"{account.judged.pair.name} {account.trace.measure}"
    if not account.verdicts:
        yield f"{name}: {account.measured}"
    for verdict in account.verdicts:
        yield f"{name}: {verdict.word}, {account.measured} ({verdict.text})"


def _next(found: Sequence[Account], run: str) -> Iterator[str]:
    if not found:
        yield "No claim is judged in this run. Name one of its pairs to see its figures."
        return
    first = next((each for each in found if each.trace.interval is not None), found[0])
    words = [run, first.judged.pair.name, first.trace.measure]
    yield f"To see what one of these rests on: {COMMAND} {shlex.join(words)}"


def _whole(account: Account, run: str) -> Iterator[str]:
    yield account.title
    yield from (_fact(*fact) for fact in account.facts)
    for verdict in account.verdicts:
        yield ""
        yield from (_fact(*fact) for fact in account.facts_of(verdict))
    rows = list(account.values())
    if rows:
        gained = "difference" if is_gain(account.trace.measure) else "ratio"
        heads = ("", "baseline", "method", gained, "")
        widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(4)]
        yield ""
        for row in (heads, *rows):
            cells = (f"{text:>{width}}" for text, width in zip(row, widths, strict=False))
            yield f"  {'  '.join(cells)}  {row[4]}".rstrip()
        yield ""
        yield f"  records.jsonl holds them in {len(account.trace.blocks)} blocks:"
        yield from (f"    {block}" for block in account.trace.blocks)
    if lines := account.recipe(run):
        yield ""
        yield "  To recompute it in Python:"
        yield ""
        yield from lines
    yield ""


def _fact(word: str, text: str) -> str:
    return f"  {word:<12} {text}"
