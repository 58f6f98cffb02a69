"""A budget leaves rounds their part, and trainings the seeds that a verdict takes."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from harness.config import RunConfig
from harness.declare.pair import MEMBERS
from harness.declare.protocol import Protocol
from harness.declare.rounds import MIN_SEEDS
from harness.measure.budget import MOST_RESERVED, Budget
from harness.measure.estimate import Estimate
from harness.measure.execution import Execution
from harness.measure.plan import plan
from harness.measure.rounds import PairRounds
from harness.records.store import Store
from tests.measure.test_side_by_side import REGISTRY, SUITE, Busy, run


@pytest.mark.parametrize(
    ("afterwards", "left"), [(0.0, 900.0), (100.0, 800.0), (1e6, 1000.0 * MOST_RESERVED - 100.0)]
)
def test_what_is_left_for_rounds(afterwards: float, left: float) -> None:
    budget = Budget(1000.0, began=time.monotonic() - 100.0)
    assert budget.for_rounds(afterwards) == pytest.approx(left, abs=5.0)


def test_a_budget_that_is_spent_leaves_nothing() -> None:
    assert Budget(10.0, began=time.monotonic() - 11.0).for_rounds(0.0) == 0


UNTIMED = dataclasses.replace(
    SUITE,
    pair=(dataclasses.replace(SUITE.pair[0], passes=("check", "curve")),),
    protocol=Protocol(seeds=6, rounds=1),
)


def trained(store: Store) -> dict[tuple[str, int], str | None]:
    return {(r.member, r.seed): r.skip for r in store.records() if r.measured == "curve"}


def test_a_spent_budget_leaves_out_the_seeds_that_no_verdict_needs(tmp_path: Path) -> None:
    found = trained(run(tmp_path / "run", Busy(), UNTIMED, budget_s=1e-9))
    assert len(found) == 2 * 6
    for (_, seed), skip in found.items():
        assert skip == (None if seed < MIN_SEEDS else "budget"), seed


def test_a_seed_that_was_begun_is_trained_by_both_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Busy()

    def began_seed_4(_: Budget) -> bool:
        return any(block.seed == 4 for going in engine.at_once for block in going)

    monkeypatch.setattr(Budget, "spent", property(began_seed_4))
    found = trained(run(tmp_path / "run", engine, UNTIMED))
    assert {seed for (_, seed), skip in found.items() if skip is None} == {0, 1, 2, 3, 4}
    assert {found[member, 5] for member in MEMBERS} == {"budget"}


def test_further_seeds_are_expected_only_where_the_budget_has_room_for_them() -> None:
    blocks = plan(dataclasses.replace(SUITE, protocol=Protocol(seeds=6)), RunConfig(), REGISTRY)
    after = [block for block in blocks if block.measured == "curve"]
    estimate = Estimate(after, REGISTRY.passes, spare=lambda block: block.seed >= MIN_SEEDS)
    assert estimate.needed_after_rounds == pytest.approx(estimate.after_rounds / 2)
    low, high = estimate.seconds
    assert (low, high) == pytest.approx(Estimate(after, REGISTRY.passes).seconds)
    short = Estimate(
        after, REGISTRY.passes, (), Budget(1e-9), spare=lambda block: block.seed >= MIN_SEEDS
    )
    assert short.seconds == pytest.approx((low / 2, high / 2))


TIMED = dataclasses.replace(
    SUITE,
    pair=(dataclasses.replace(SUITE.pair[0], passes=("check", "step", "curve")),),
    protocol=Protocol(seeds=2, rounds=5),
)


def measured(store: Store) -> list[tuple[str, str | None]]:
    return [(record.measured, record.skip) for record in store.records()]


def test_rounds_go_on_where_what_comes_after_them_has_left_some_of_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_is_kept_for_curves(execution: Execution, asked: PairRounds) -> bool:
        return asked.taken >= 2 and execution.estimate.after_rounds > 0

    monkeypatch.setattr(Execution, "_time_is_up", all_is_kept_for_curves)
    found = measured(run(tmp_path / "run", Busy(), TIMED))
    assert {skip for _, skip in found} == {None}
    passes = [name for name, _ in found]
    assert passes.index("step") < passes.index("curve")
    assert passes[-1] == "step"


def test_rounds_for_which_there_is_no_time_in_the_end_are_left_out(tmp_path: Path) -> None:
    found = measured(run(tmp_path / "run", Busy(), TIMED, budget_s=1e-9))
    steps = [skip for name, skip in found if name == "step"]
    assert steps == ["budget"] * (3 * 2 * 5)  # of baseline, method and twin, each told once
