"""What a run leaves out, and what it asks for that."""

from __future__ import annotations

import dataclasses

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure.block import Block
from harness.measure.plan import plan
from harness.measure.skipping import Skipping, is_settled
from harness.registry import Registry

REGISTRY = Registry()
PAIRS = tuple(
    Pair(name, "plain", "fast", "toys", "", ("check", "trajectory", "step", "curve"))
    for name in ("one", "two")
)
BLOCKS = plan(Suite("s", "S", PAIRS, Protocol(seeds=2, rounds=2)), RunConfig(), REGISTRY)


PROOF = "over 5 steps they are equal"


class Judge:
    """Proves that every method inherits, and keeps what it was asked."""

    def __init__(self, proof: str | None) -> None:
        self.proof, self.asked = proof, []

    def __call__(self, records, pair):
        self.asked.append((pair.name, sorted(f"{r.pair}/{r.measured}" for r in records)))
        return self.proof


def of(pair: str, measured: str, member: str) -> list[Block]:
    return [b for b in BLOCKS if (b.pair.name, b.measured, b.member) == (pair, measured, member)]


def test_a_method_whose_curve_is_proven_is_not_trained():
    judge = Judge(PROOF)
    skipping = Skipping(judge)
    for block in BLOCKS:
        if block.measured != "curve":
            skipping.saw(block.record("ok"))
    for block in of("two", "curve", "method"):
        skipped = skipping.of(block)
        assert skipped is not None
        assert skipped.skip == "inherited"
        assert skipped.reason == "inherits the baseline's curve: over 5 steps they are equal"
    assert all(skipping.of(block) is None for block in of("two", "curve", "baseline"))
    # Asked once, with its own trajectories and with the checks, which stand under another pair.
    checks, trajectories = ["one/check"] * 2, ["two/trajectory"] * 2
    assert judge.asked == [("two", [*checks, *trajectories])]


def test_a_method_without_a_proof_is_trained():
    skipping = Skipping(Judge(None))
    assert all(skipping.of(block) is None for block in BLOCKS)


@pytest.mark.parametrize(("absent", "partner"), [("method", "baseline"), ("baseline", "method")])
def test_nothing_is_measured_beside_a_member_that_lacks_what_it_needs(absent, partner):
    skipping = Skipping(Judge(None))
    (first, *_), others = of("one", "step", absent), of("one", "step", partner)
    skipping.saw(first.record("skipped", reason="no peer here"))
    for block in (*others, *of("one", "curve", partner)):
        skipped = skipping.of(block)
        assert skipped is not None
        assert skipped.skip == "partner"
        assert skipped.reason == f"the other member {first.learner}: no peer here"
    # It is tried again itself, so is the other pair, and a check stands for every pair.
    tried = [*of("one", "step", absent), *of("two", "step", partner), *of("one", "check", partner)]
    assert all(skipping.of(block) is None for block in tried)


def test_a_check_that_can_not_be_run_keeps_nothing_else_from_being_measured():
    skipping = Skipping(Judge(None))
    (check,) = of("one", "check", "method")
    skipping.saw(check.record("skipped", reason="no peer here"))
    assert all(skipping.of(block) is None for block in BLOCKS)


def test_a_resumed_run_tries_again_what_was_skipped_but_for_what_is_proven():
    (block, *_) = BLOCKS
    assert is_settled(block.record("ok"))
    assert is_settled(block.record("failed", reason="inherits nothing"))
    assert is_settled(block.record("skipped", skip="inherited", reason="it is equal"))
    assert is_settled(block.record("skipped", skip="decided", reason="enough"))
    for skip in ("absent", "partner", "budget", "failing", None):
        assert not is_settled(block.record("skipped", skip=skip, reason="inherits nothing"))


def test_the_other_team_of_a_learner_is_left_to_the_judge():
    """Checks of one learner on one rank and on two are both of use to whoever judges."""
    pair = dataclasses.replace(PAIRS[0], ranks=2)
    judge = Judge(None)
    skipping = Skipping(judge)
    suite = Suite("s", "S", (PAIRS[0], dataclasses.replace(pair, name="team")))
    blocks = plan(suite, RunConfig(), REGISTRY)
    for block in blocks:
        if block.measured == "check":
            skipping.saw(block.record("ok"))
    curve = next(b for b in blocks if b.measured == "curve" and b.member == "method")
    assert skipping.of(curve) is None
    assert judge.asked == [("one", ["one/check", "one/check", "team/check"])]
