"""The lists of training tasks as workloads: one for two cores, and one at its published lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.registry import workload
from suites.optimizee_entries import LISTS, Entry, ListName
from suites.optimizer_training import OptimizerTraining


@workload("optimizees")
@dataclass(frozen=True)
class Optimizees(OptimizerTraining):
    """Draws from a list of functions and models, in short runs of those with few coordinates."""

    list: ListName = "published"
    largest: int = 512
    """Most coordinates of an entry that is drawn."""
    each_once: bool = False
    """Take the entries in turn instead of at random; as many tasks as entries are all of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.entries():
            sizes = [entry.objective.size for entry in LISTS[self.list]]
            raise ValueError(
                f"largest = {self.largest}: no entry of list {self.list} is that small. "
                f"The smallest has {min(sizes)} coordinates, the largest {max(sizes)}."
            )

    @property
    def data(self) -> str:
        return f"list {self.list}: {len(self.entries())} entries (generated)"

    def entries(self) -> Sequence[Entry]:
        return self._entries

    def choice(self, seed: int, split: str, number: int) -> int:
        if self.each_once:
            return number % len(self.entries())
        return super().choice(seed, split, number)

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        return tuple(e for e in LISTS[self.list] if e.objective.size <= self.largest)


@workload("optimizees_published")
@dataclass(frozen=True)
class OptimizeesPublished(Optimizees):
    """The list whole, one task a meta-update, runs and unrolls of the published code's lengths."""

    largest: int = 4096
    meta_batch: int = 1
    steps: int = 50
    more_steps: float = 200.0
    unrolls: int = 1
    more_unrolls: float = 40.0
    runs: int = 5
