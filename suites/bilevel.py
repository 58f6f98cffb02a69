"""The bilevel family: a base model trains under meta-parameters, and clean data judges it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from harness.declare.learner import Params
from harness.declare.outer import Rule
from harness.declare.tree import leaves, rows
from harness.declare.workload import Workload
from harness.errors import UsageError
from harness.seeds import derive


@dataclass(frozen=True)
class BilevelBatch:
    """What a meta-step works on: one batch for each base step, and one of clean data.

    A held-out batch has no base steps: it judges the base model as it stands.
    """

    base: tuple[Any, ...]
    meta: Any
    noise: int = 0
    """Seeds what layers such as dropout draw while they work on the batch."""


@dataclass(frozen=True)
class Bilevel(Workload):
    """What every bilevel workload shares.

    Base and meta model may be any modules. Losses take their parameters as mappings by name, those
    of the base model with its buffers among them; running statistics among the buffers are
    updated in place, by `base_outputs` too.
    """

    unroll: int = 1
    """Base steps a meta-step."""
    base_optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    base_lr: float = 0.1
    base_weight_decay: float = 0.0
    base_momentum: float = 0.0
    """Of gradient descent; Adam has its own."""
    meta_lr: float = 1e-3

    family: ClassVar[str] = "bilevel"

    def __post_init__(self) -> None:
        if self.unroll < 1:
            raise ValueError(f"unroll = {self.unroll} must be at least 1")
        # Made here, since they can't be made inside torch.func's transforms.
        _ = self._networks, self._meta_network

    @abstractmethod
    def base_network(self) -> nn.Module:
        """Return a fresh base model, its weights drawn from torch's global generator."""

    @abstractmethod
    def meta_network(self) -> nn.Module:
        """Return a fresh meta model, its weights drawn from torch's global generator."""

    @abstractmethod
    def base_loss(self, base: Params, meta: Params, batch: Any) -> Tensor:
        """Return what the base model minimises, shaped by the meta-parameters."""

    @abstractmethod
    def meta_loss(self, base: Params, meta: Params, batch: Any) -> Tensor:
        """Return what judges the trained base model, on clean data."""

    def plain_loss(self, base: Params, batch: Any) -> Tensor:
        """Return what the base model would minimise were there no meta-parameters."""
        raise UsageError(
            f"workload {self.name or type(self).__name__} has no loss without meta-parameters. "
            "Remove the learners that train with it from its pairs, or write its plain_loss."
        )

    @abstractmethod
    def base_batch(self, seed: int, index: int) -> Any:
        """Return the data of the index-th base step."""

    @abstractmethod
    def meta_batch(self, seed: int, index: int) -> Any:
        """Return the clean data of the index-th meta-step."""

    @abstractmethod
    def held_out(self, seed: int, split: str, start: int, count: int) -> Any:
        """Return clean examples start to start + count of the split "valid" or "test"."""

    @abstractmethod
    def quality(self, base: Params, batch: Any) -> Tensor:
        """Return the metric of every held-out example."""

    def base_rule(self, name: str) -> Rule:
        """Return how the base optimizer moves this parameter; override it to form groups."""
        decoupled = self.base_optimizer == "adamw"
        return Rule(self.base_lr, self.base_weight_decay, decoupled, self.base_momentum)

    def train_batch(self, seed: int, index: int) -> BilevelBatch:
        steps = range(index * self.unroll, (index + 1) * self.unroll)
        base = tuple(self.base_batch(seed, step) for step in steps)
        return BilevelBatch(base, self.meta_batch(seed, index), derive(seed, "noise", index))

    def eval_batch(self, seed: int, split: str, start: int, count: int) -> BilevelBatch:
        return BilevelBatch((), self.held_out(seed, split, start, count))

    def initial(self, seed: int) -> Params:
        return self._placed(_seeded(self.meta_network, derive(seed, "meta")).named_parameters())

    def initial_base(self, seed: int) -> tuple[Params, Params]:
        """Return the base model's parameters and buffers, a pure function of the seed."""
        network = _seeded(self.base_network, derive(seed, "base"))
        return self._placed(network.named_parameters()), self._placed(network.named_buffers())

    def count(self, part: Any) -> int:
        """Return how many examples one of a batch's parts is of."""
        lengths = {len(tensor) for tensor in leaves(part) if tensor.dim()}
        if len(lengths) != 1:
            raise UsageError(
                f"{self.name or type(self).__name__}: its batches cannot be shared among ranks, "
                "because not all their tensors have one row per example. Write its `count` and "
                "`share`, or give the pair one rank."
            )
        return lengths.pop()

    def share(self, part: Any) -> Any:
        """Return this rank's examples of one of a batch's parts."""
        return rows(part, self.place.team.share(self.count(part)))

    def portion(self, part: Any) -> float:
        """Return what share of a part's examples are this rank's."""
        team = self.place.team
        if team.size == 1:
            return 1.0
        count = self.count(part)
        return len(team.share(count)) / count

    @contextmanager
    def drawing(self, batch: BilevelBatch, *purpose: str | int) -> Iterator[None]:
        """Let layers such as dropout draw what they draw for this purpose, the same every time.

        They can draw from nothing but the global generators, which are put back.
        """
        with _generators(self.place.device, derive(batch.noise, *purpose)):
            yield

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self._networks[True].parameters())

    @property
    def inner_steps(self) -> int:
        """The length of the loop that rounding errors grow along."""
        return self.unroll

    def base_outputs(self, base: Params, x: Any, training: bool = True) -> Any:
        return functional_call(self._networks[training], base, (x,))

    def meta_outputs(self, meta: Params, x: Any) -> Any:
        """Run the meta model in training mode, which is the only one it is ever in.

        So its running statistics, if it has any, are never asked for, and start afresh every time.
        """
        network, buffers = self._meta_network
        fresh = {name: buffer.clone() for name, buffer in buffers.items()}
        return functional_call(network, {**meta, **fresh}, (x,))

    @cached_property
    def _networks(self) -> dict[bool, nn.Module]:
        """The base model in training mode and out of it; neither has weights of its own."""
        with torch.device("meta"):  # so that none is drawn from the global generator
            return {mode: self.base_network().train(mode) for mode in (True, False)}

    @cached_property
    def _meta_network(self) -> tuple[nn.Module, Params]:
        with torch.device("meta"):
            network = self.meta_network()
        return network, self._placed(_seeded(self.meta_network, 0).named_buffers())

    def _placed(self, tensors: Any) -> Params:
        return {name: self._put(value.detach()) for name, value in tensors}

    def _put(self, value: Tensor) -> Tensor:
        dtype = self.place.torch_dtype if value.is_floating_point() else value.dtype
        return value.to(self.place.device, dtype)


def _seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a module on the CPU in float32, whatever the place, so that every place starts alike.

    Modules can draw their weights from nothing but the global generator: it is seeded for them, and
    put back.
    """
    with _generators("cpu", seed):
        return make()


@contextmanager
def _generators(device: str, seed: int) -> Iterator[None]:
    """Seed the global generators of the CPU and of the device, and put them back afterwards."""
    index = torch.cuda.current_device() if device == "cuda" else torch.device(device).index
    gpus = [index] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        yield
