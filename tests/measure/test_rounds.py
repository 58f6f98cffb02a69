"""Whose turn it is: all pairs get the rounds that a verdict takes, then the time that is left."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from harness.declare.rounds import MIN_ROUNDS
from harness.measure.block import Block
from harness.measure.rounds import Rounds
from harness.records.record import Record
from tests.measure.conftest import make_block


def blocks_of(name: str, rounds: int) -> list[Block]:
    block = make_block()
    pair = dataclasses.replace(block.pair, name=name)
    return [
        dataclasses.replace(block, pair=pair, round=number, beside=f"{name}/{number}")
        for number in range(rounds)
    ]


def taken(rounds: Rounds, seconds: Mapping[str, float], until_s: float) -> Counter[str]:
    """Return how many rounds each pair had when so many seconds were spent."""
    found: Counter[str] = Counter()
    spent = 0.0
    while spent < until_s and (asked := rounds.next()) is not None:
        (block,) = asked.take()
        name = asked.pair.name
        asked.saw([block.record("ok", wall_s=seconds[name])])
        found[name] += 1
        spent += seconds[name]
    return found


SECONDS = {"short": 1.0, "long": 30.0}


def rounds(recorded: list[Record] | None = None, long: int = MIN_ROUNDS) -> Rounds:
    blocks = [block for name in SECONDS for block in blocks_of(name, 40)]
    done = {record.block for record in recorded or ()}
    left = [block for block in blocks if block.id not in done]
    pairs = list({block.pair.name: block.pair for block in blocks}.values())
    return Rounds(pairs, left, recorded or [], {"short": MIN_ROUNDS, "long": long})


def test_a_pair_of_long_rounds_gets_as_many_as_a_verdict_takes_before_others_get_more():
    least = MIN_ROUNDS * sum(SECONDS.values())
    assert taken(rounds(), SECONDS, least) == dict.fromkeys(SECONDS, MIN_ROUNDS)


def test_after_that_the_time_that_is_left_is_shared():
    found = taken(rounds(), SECONDS, MIN_ROUNDS * sum(SECONDS.values()) + 25)
    assert found == {"long": MIN_ROUNDS, "short": MIN_ROUNDS + 25}


def test_rounds_of_before_an_interruption_count():
    before = [block.record("ok", wall_s=30.0) for block in blocks_of("long", MIN_ROUNDS)]
    found = taken(rounds(before), SECONDS, 10)
    assert found == {"short": 10}


def test_a_pair_whose_first_rounds_choose_gets_enough_to_judge_what_they_chose():
    found = taken(rounds(long=11), SECONDS, 11 * SECONDS["long"] + MIN_ROUNDS)
    assert found == {"long": 11, "short": MIN_ROUNDS}
