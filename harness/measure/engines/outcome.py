"""The outcome of a call: a block's record, made of the answers of one process or of a whole team.

Where a team has none, its record says which rank is to blame.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.declare.passes import Pass, Seen
from harness.errors import StoreError
from harness.measure.block import Block
from harness.measure.engines.engine import Answer
from harness.records.record import Record, records_from

Passes = Mapping[str, Pass[Seen]]


@dataclass(frozen=True)
class Report:
    """What a rank hands back: its record, and whether it only lost the others."""

    record: str
    bystander: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


def record_from_answer(answer: Answer, block: Block, passes: Passes) -> Record[Seen]:
    """Return the record that a block's one process handed back, or one that says why it did not."""
    if answer.timed_out:
        return block.record(
            "timeout", reason=f"it was ended at its limit of {block.protocol.limit_s:g} s"
        )
    if answer.exit != 0 or not answer.text:
        return block.record("died", reason=answer.died_of)
    try:
        found = records_from(answer.text, block.id, passes)
        return next(record for record in found if record.measured == block.measured)
    except StoreError as error:
        return block.record("failed", reason=str(error))


def record_of_team(answers: Sequence[Answer], block: Block, passes: Passes) -> Record[Seen]:
    """Return the record of rank 0 if all went well, or else of the first that did not.

    A rank that failed pulls the others along: they lose it, or are ended while they wait. So the
    cause is the first that ended by itself for reasons of its own; if there is none, a rank that
    the others waited for in vain.
    """
    reports = [_report(answer) for answer in answers]
    records = [
        record_from_answer(dataclasses.replace(answer, text=report.record), block, passes)
        for answer, report in zip(answers, reports, strict=True)
    ]
    if all(record.status == "ok" for record in records):
        return records[0]
    places = {rank: answer.place for rank, answer in enumerate(answers)}
    ended = sorted((place, rank) for rank, place in places.items() if place is not None)
    failed = [rank for _, rank in ended if records[rank].status != "ok"]
    causes = [rank for rank in failed if not reports[rank].bystander]
    stopped = [rank for rank, answer in enumerate(answers) if answer.timed_out]
    if causes:
        return _blaming(causes[:1], records[causes[0]].reason, records[causes[0]], block)
    if stopped and ended:
        lost = f" ({records[failed[0]].reason})" if failed else ""
        reason = f"it hung, and was ended after the others gave up waiting for it{lost}"
        return _blaming(stopped, reason, block.record("timeout"), block)
    cause = failed[0] if failed else 0
    return _blaming([] if stopped else [cause], records[cause].reason, records[cause], block)


def _report(answer: Answer) -> Report:
    return Report(**json.loads(answer.text)) if answer.text else Report("")


def _blaming(
    ranks: Sequence[int], reason: str | None, record: Record[Seen], block: Block
) -> Record[Seen]:
    if record.status == "skipped" or not ranks:  # what is not here, no rank has
        return record
    named = f"rank{'s' * (len(ranks) > 1)} {' and '.join(map(str, ranks))} of {block.ranks}"
    return dataclasses.replace(record, reason=f"{named}: {reason}")
