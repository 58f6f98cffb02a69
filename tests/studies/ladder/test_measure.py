"""What is paid once is seen in the first meta-update, and nothing kept elsewhere hides it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

import pytest
import torch

from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.workload import Place
from harness.measure.block import Block
from harness.studies.ladder import OneOff
from harness.studies.ladder.measure import KEPT_AT, look_once, nothing_kept

COMPILED_S = 0.2


@dataclass
class Toys:
    """Batches that are told by their number."""

    place: Place = field(default_factory=Place)

    def train_batch(self, seed: int, index: int) -> int:
        return index


@dataclass
class Compiling:
    """A learner that compiles for a batch that it has not seen."""

    workload: Toys = field(default_factory=Toys)
    seen: list[int] = field(default_factory=list)
    folders: set[str | None] = field(default_factory=set)
    generally: bool = False
    """Whether what was compiled once serves all batches."""

    def init(self, seed: int) -> None:
        return None

    def preparations(self) -> list[float]:
        return [COMPILED_S] * (min(1, len(self.seen)) if self.generally else len(self.seen))

    def step(self, state: None, batch: int) -> tuple[None, torch.Tensor]:
        self.folders.add(os.environ.get(KEPT_AT))
        if batch not in self.seen:
            if not (self.generally and self.seen):
                time.sleep(COMPILED_S)
            self.seen.append(batch)
        return state, torch.zeros(())


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch) -> list[Block]:
    """Stand for the second process; what it was given."""
    given: list[Block] = []

    def second(block: Block) -> float:
        given.append(block)
        return 0.5

    monkeypatch.setattr("harness.studies.ladder.measure.in_another_process", second)
    return given


def look(learner: Compiling, ranks: int = 1, **asked: int) -> OneOff:
    pair = Pair("p", "plain", "fast", "toys", "how", ("one_off",), ranks=ranks)
    block = Block(pair, "one_off", "method", 0, 0, Protocol(), threads=1, study=asked)
    seen = look_once(block, learner).seen  # type: ignore[arg-type]  # as much of a learner as it needs
    assert isinstance(seen, OneOff)
    assert seen.flaw() is None
    return seen


def test_each_draw_that_is_compiled_for_pays_again() -> None:
    learner = Compiling()
    seen = look(learner, draws=3, apart=7)
    assert learner.seen == [0, 7, 14]
    assert seen.preparations == (1, 2, 3)
    assert seen.preparation_seconds == pytest.approx([0.2, 0.4, 0.6])
    assert seen.warm_seconds == 0.5
    for first, again in zip(seen.first_seconds, seen.again_seconds, strict=True):
        assert first >= COMPILED_S > again


def test_a_second_process_is_started_where_one_process_made_something(warm: list[Block]) -> None:
    look(Compiling(), draws=2)
    (block,) = warm
    assert block.pair.name == "p"
    nothing = Compiling()
    nothing.preparations = list  # type: ignore[method-assign, assignment]
    assert look(nothing, draws=1).warm_seconds is None
    assert look(Compiling(), ranks=2, draws=1).warm_seconds is None
    assert len(warm) == 1


def test_what_serves_all_draws_is_paid_on_the_first() -> None:
    seen = look(Compiling(generally=True), draws=2)
    assert seen.preparations == (1, 1)
    assert seen.first_seconds[0] >= COMPILED_S > seen.first_seconds[1]


def test_the_compiler_finds_nothing_that_others_have_left(monkeypatch) -> None:
    monkeypatch.setenv(KEPT_AT, "/elsewhere")
    learner = Compiling()
    look(learner, draws=1)
    (folder,) = learner.folders
    assert folder not in (None, "/elsewhere")
    assert os.environ[KEPT_AT] == "/elsewhere"
    monkeypatch.delenv(KEPT_AT)
    with nothing_kept():
        assert KEPT_AT in os.environ
    assert KEPT_AT not in os.environ
