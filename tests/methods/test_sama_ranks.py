"""SAMA on several ranks: what they find, what they send, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.declare.learner import Params
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.team.communicator import Alone, Communicator, Pending
from methods.sama import Sama
from suites.bilevel_problems import Examples
from tests.baselines.bilevel_cases import SmallNetworks, linear, networks
from tests.methods import sama_in_team
from tests.methods.sama_in_team import Worked
from tests.team.teams import Teams

PROBLEMS = [
    # Two ranks share these evenly, three don't; of four, two have no base example and one no clean.
    pytest.param(linear(kind="weights", examples=2, clean=3, unroll=2), id="weights"),
    pytest.param(
        linear(kind="network", base_optimizer="adam", base_lr=0.01, direct=True), id="network, adam"
    ),
    pytest.param(
        linear(kind="logistic", base_optimizer="adamw", base_weight_decay=0.1, examples=7),
        id="logistic, adamw",
    ),
    pytest.param(
        linear(kind="ridge", unroll=2, base_momentum=0.5, base_weight_decay=0.1), id="ridge"
    ),
]
MODES: list[dict[str, Any]] = [
    {},
    {"multitask": True},
    {"shared_direction": True},
    {"shared_direction": True, "multitask": True},
]


def on_one(name: str, workload: Any, settings: dict[str, Any]) -> Worked:
    return sama_in_team.worked(Alone(), name, workload, settings, 5)


def in_words(settings: dict[str, Any]) -> str:
    return " ".join(settings) or "as published"


@pytest.mark.parametrize("settings", MODES, ids=in_words)
@pytest.mark.parametrize("workload", PROBLEMS)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_ranks_find_what_they_are_defined_to(
    teams: Teams, size: int, workload: Any, settings: dict[str, Any]
) -> None:
    name = "sama" if workload.kind in ("network", "logistic") else "sama_na"
    given = {**settings, "bucket_mb": 1e-5}
    told = teams.run(size, sama_in_team.worked, name, workload, given, 5)
    first = told[0]
    assert all(each._replace(defined=first.defined) == first for each in told)
    scale = max(map(abs, first.defined))
    assert first.gradient == pytest.approx(first.defined, abs=1e-9 * scale)
    alone = on_one(name, workload, settings)
    as_one = (
        first.params == pytest.approx(alone.params, rel=1e-8, abs=1e-8),
        first.gradient == pytest.approx(alone.gradient, rel=1e-6, abs=1e-7 * scale),
    )
    if "shared_direction" in settings:
        assert as_one == (True, True)
        assert first.losses == pytest.approx(alone.losses, rel=1e-8)
        assert first.quality == pytest.approx(alone.quality, rel=1e-6)
    elif workload.kind != "ridge":  # whose mixed derivatives are the same on all examples
        assert as_one == (False, False)  # a mean of products is no product of means


def test_ranks_agree_on_dropout_and_running_statistics(teams: Teams) -> None:
    workload = networks(base_optimizer="adam", unroll=2, dropout=0.3)
    told = teams.run(2, sama_in_team.worked, "sama", workload, {}, 0)
    assert told[0] == told[1]._replace(defined=told[0].defined)


WHOLE, LOSS = 8, 1
"""Bytes of a number, and the numbers of a loss."""


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [
        ({}, lambda base, meta, statistics: meta + LOSS + statistics),
        ({"multitask": True}, lambda base, meta, statistics: meta + LOSS + statistics + base),
        (
            {"shared_direction": True},
            lambda base, meta, statistics: meta + LOSS + statistics + base,
        ),
        (
            {"shared_direction": True, "multitask": True},
            lambda base, meta, statistics: meta + LOSS + statistics + base,
        ),
    ],
    ids=lambda value: in_words(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("unroll", [1, 3])
def test_calls_and_bytes_are_what_the_docstring_says(
    teams: Teams, settings: dict[str, Any], numbers: Callable[..., int], unroll: int
) -> None:
    workload = networks(unroll=unroll, base_optimizer="adam")
    (base, buffers), meta = workload.initial_base(0), workload.initial(0)
    sizes = [
        sum(p.numel() for p in part.values() if p.is_floating_point())
        for part in (base, meta, buffers)
    ]
    for of_step, of_adaptation in teams.run(2, sama_in_team.sent, "sama", workload, settings):
        assert of_step.bytes == WHOLE * (unroll * sizes[0] + numbers(*sizes))
        # Everything fits in a bucket: g in each base step, what rides, and the hypergradient.
        assert of_step.calls == unroll + 2 + ("shared_direction" in settings)
        assert of_adaptation.bytes == WHOLE * (unroll * sizes[0] + sizes[2])
        assert of_adaptation.calls == unroll + 1


def test_one_rank_sends_nothing() -> None:
    workload = networks(unroll=2, base_optimizer="adam")
    of_step, _ = sama_in_team.sent(Alone(), "sama", workload, {"multitask": True})
    assert (of_step.calls, of_step.bytes) == (0, 0)


@dataclass
class Watched(Communicator):
    """A rank whose team mates all bring what it brings, and what it was asked when."""

    rank: int = 0
    size: int = 2
    seen: list[str] = field(default_factory=list)

    def share(self, count: int) -> range:
        return range(count // 2)

    def start_all_reduce(self, tensor: Tensor) -> Pending:
        self.seen.append(f"sum of {tensor.numel()}")
        return super().start_all_reduce(tensor)

    def broadcast(self, tensor: Tensor, root: int = 0) -> None:
        raise NotImplementedError

    def gather(self, text: str) -> list[str]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def _start_sum(self, tensor: Tensor) -> Callable[[], object]:
        owed = 2 * tensor
        tensor.fill_(float("nan"))  # nobody may look before the end

        def finish() -> None:
            self.seen.append("waited")
            tensor.copy_(owed)

        return finish


@dataclass(frozen=True)
class Layered(SmallNetworks):
    """A meta model of three layers, which tells when the gradients of each are formed."""

    def meta_network(self) -> nn.Module:
        return nn.Sequential(*(nn.Linear(3, 3, bias=False) for _ in range(2)), nn.Linear(3, 2))

    def base_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        team = self.place.team
        assert isinstance(team, Watched)
        for name, value in meta.items():
            if value.requires_grad:
                value.register_hook(lambda _, name=name: team.seen.append(name))
        return super().base_loss(base, meta, batch)


class Backwards(Layered):
    """A meta model that names its second layer before its first."""

    def meta_network(self) -> nn.Module:
        layers = {"into": nn.Linear(3, 2, bias=False), "from": nn.Linear(3, 3, bias=False)}
        return Chain(layers)


class Chain(nn.ModuleDict):
    """Layers that are run in the opposite order of their names."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in reversed(self.values()):
            x = layer(x)
        return x


def events(
    monkeypatch: pytest.MonkeyPatch, workload_class: type[Layered] = Layered, **settings: Any
) -> list[str]:
    """Return what happened in a step: passes, sums, and gradients of the meta model formed."""
    team = Watched()
    workload = workload_class(Place(dtype="float64", team=team), norm=False, base_optimizer="adam")
    engine = torch.autograd._engine_run_backward

    def watched(*arguments, **options):
        team.seen.append("pass begins")
        done = engine(*arguments, **options)
        team.seen.append("pass ends")
        return done

    monkeypatch.setattr(torch.autograd, "_engine_run_backward", watched)
    learner = Sama(workload, **settings)
    learner.step(learner.init(0), workload.train_batch(0, 0))
    return team.seen


def test_gradients_are_summed_in_the_last_pass_alone_while_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = events(monkeypatch, bucket_mb=1e-6)  # a bucket for every tensor
    first, last = seen.index("pass begins"), seen.index("pass ends")
    assert (first, last) == (0, 5)
    assert sorted(seen[1:5]) == sorted(f"sum of {n}" for n in (12, 4, 8, 2))  # the base step's g
    assert seen[6:10] == ["waited"] * 4
    assert [name for name, _ in groupby(seen[10:])] == [
        *("pass begins", "pass ends"),  # v0
        *("pass begins", "2.bias", "2.weight", "1.weight", "0.weight", "pass ends"),  # above
        "sum of 1",  # the loss
        *("pass begins", "2.bias", "sum of 2", "2.weight", "sum of 6"),  # below
        *("1.weight", "sum of 9", "0.weight", "sum of 9", "pass ends"),
        "waited",
    ]


def test_no_bucket_overtakes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is formed first is to go last, since it was named first: it waits for the others.
    seen = events(monkeypatch, Backwards, bucket_mb=1e-6)
    below = [name for name, _ in groupby(seen[seen.index("sum of 1") :])]
    assert below == [
        *("sum of 1", "pass begins", "into.weight", "from.weight", "sum of 9", "sum of 6"),
        *("pass ends", "waited"),
    ]


def test_a_batch_without_rows_is_refused() -> None:
    @dataclass(frozen=True)
    class Uneven(SmallNetworks):
        def meta_batch(self, seed: int, index: int) -> Examples:
            batch = super().meta_batch(seed, index)
            return replace(batch, y=batch.y[:-1])

    workload = Uneven(Place(team=Watched()))
    learner = Sama(workload)
    with pytest.raises(UsageError, match="cannot be shared among ranks.*give the pair one rank"):
        learner.step(learner.init(0), workload.train_batch(0, 0))
