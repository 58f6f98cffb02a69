"""What became of every claim: in the claims' order, with rivals and other algorithms apart."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.declare.claims import Reading
from harness.declare.pair import Pair
from harness.judge.judgement import PairJudgement
from harness.judge.outcome import Outcome, Span
from tests.judge.builders import AA, PAIR, claim, judged, whole

TWICE, THRICE = claim(), claim(value=3.0, name="thrice")


def pair(name: str, **about: Any) -> Pair:
    return dataclasses.replace(PAIR, name=name, **about)


def found(pairs: list[Pair], claims: tuple[Any, ...], method: dict[str, float]) -> list[Outcome]:
    records = [r for each in pairs for r in whole(each, baseline=0.5, method=method[each.name])]
    judgement = judged(records, pairs=(*pairs, AA), claims=claims)
    assert all(isinstance(each, PairJudgement) for each in judgement.pairs)
    return list(judgement.claims)


def test_claims_stand_in_their_own_order_whatever_became_of_them() -> None:
    pairs = [pair("a", claims=("thrice",)), pair("b", claims=("twice",))]
    outcomes = found(pairs, (TWICE, THRICE), {"a": 0.1, "b": 0.5})
    assert [each.claim.name for each in outcomes] == ["twice", "thrice"]
    assert [each.own.words for each in outcomes] == [(("none", 1),), (("met", 1),)]


def test_a_rival_is_counted_apart_from_the_claims_own_method() -> None:
    pairs = [pair("own"), pair("rival", rival=True)]
    (outcome,) = found(pairs, (TWICE,), {"own": 0.4, "rival": 0.1})
    assert outcome.own.words == (("smaller", 1),)
    assert outcome.rivals.words == (("met", 1),)
    assert [verdict.pair for verdict in outcome.rivals.verdicts] == ["rival"]
    assert outcome.own.spans[0].high < 2 < outcome.rivals.spans[0].low


def test_the_range_goes_over_all_conditions_and_keeps_scales_apart() -> None:
    both = dataclasses.replace(
        TWICE,
        readings=(*TWICE.readings, Reading("bytes", "half the memory", 2.0, "peak_bytes")),
    )
    pairs = [pair("slow"), pair("fast")]
    (outcome,) = found(pairs, (both,), {"slow": 0.5, "fast": 0.1})
    spans = {span.scale: span for span in outcome.own.spans}
    assert set(spans) == {"speed", "memory"}
    assert isinstance(spans["speed"], Span)
    assert spans["speed"].low < 1.1
    assert spans["speed"].high > 4.5
    assert spans["speed"].conditions == 2


def test_other_algorithms_are_looked_for_in_all_pairs_and_named_where_none_compares_them() -> None:
    others = dataclasses.replace(TWICE, others=("plain", "simple", "absent"))
    pairs = [pair("own"), pair("beside", baseline="simple", claims=(), workload="others")]
    (outcome,) = found(pairs, (others,), {"own": 0.1, "beside": 0.48})
    beside = {each.other: each for each in outcome.beside}
    assert beside["plain"].held
    assert not beside["simple"].held
    assert beside["simple"].workload == "others"
    assert beside["absent"].pair is None
    (span,) = outcome.beside_spans
    assert span.low < 1.2
    assert span.high > 4.5


def test_a_claim_that_no_pair_is_held_to_is_not_among_them() -> None:
    assert [each.claim.name for each in found([pair("a")], (TWICE, THRICE), {"a": 0.1})] == [
        "twice"
    ]
