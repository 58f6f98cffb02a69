"""What the judge says of runs of a pair whose method has variants."""

from __future__ import annotations

from harness.declare.passes import Seen
from harness.judge.judgement import PairJudgement
from harness.records.record import Record
from harness.studies.variants.finding import Selection
from tests.judge.builders import judged
from tests.studies.variants.runs import (
    BETTER,
    NOISE,
    STUDY,
    THIRD,
)


def judge_study(records: list[Record[Seen]]) -> PairJudgement:
    found = judged(records, pairs=(STUDY, NOISE), claims=(THIRD, BETTER))
    return next(each for each in found.pairs if each.pair.name == "study")


def selected(found: PairJudgement) -> Selection | None:
    return found.studies.get("variants")


def chosen(records: list[Record[Seen]], tau: float = 0.01, steps: int = 5):
    selection = selected(judge_study(records))
    assert selection is not None
    return selection.choice(tau, steps)


def words(found: PairJudgement, claim: str) -> set[str]:
    """Return the words of a claim at the numbers of inner steps that were looked at."""
    seen = [v for v in found.verdicts if v.measure != "chosen_time_10"]
    return {v.word for v in seen if v.claim == claim}


def losing(**losses: float):
    return lambda name, seed: -losses.get(name, 0.0)
