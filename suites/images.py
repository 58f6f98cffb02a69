"""Few-shot classification of real images, of a published set or of a folder of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness.declare.convergence import ConvergencePoint
from harness.errors import UsageError
from harness.registry import workload
from suites.conv4_pooled import Conv4Pooled
from suites.fewshot import DrawnClasses
from suites.image_sets.image_set import ImageSet
from suites.image_sets.image_split import ImageSplit
from suites.image_sets.packed import Packed
from suites.image_sets.source import Form
from suites.image_sets.table import located
from suites.models import Conv4, draw_as_torch
from suites.published_settings import Published, published
from suites.resnet12 import ResNet12

AS_PUBLISHED = -1
"""Stands for a number that the recipe gives."""
PINNED = 12
"""Digits of a hash that tell sets apart."""

Network = Callable[[Form, int, int], nn.Module]
NETWORKS: dict[str, Network] = {
    "conv4_strided": lambda form, ways, filters: Conv4(ways, filters, channels=form.channels),
    "conv4_pooled": lambda form, ways, filters: Conv4Pooled(
        ways, filters, form.channels, form.side
    ),
    "resnet12": lambda form, ways, filters: ResNet12(ways, filters, form.channels, form.side),
}


@workload("images")
@dataclass(frozen=True)
class Images(DrawnClasses):
    """Few-shot tasks of Omniglot, mini-ImageNet and others in data_dir, or of your own folder.

    `data` names the set, or is "folder:PATH"; once the images are found it ends in @ and the
    beginning of their hash. Given so, it is held to it. What is left out of the settings is the
    recipe's.
    """

    meta_batch: int = AS_PUBLISHED
    inner_steps: int = AS_PUBLISHED
    inner_lr: float = AS_PUBLISHED
    outer_lr: float = AS_PUBLISHED
    queries: int = AS_PUBLISHED
    data: str = "omniglot"
    split: str = ""
    """The rule that splits the classes: one of the set's, or "lists:FOLDER"."""
    recipe: Literal["learn2learn", "maml", "maml++"] = "learn2learn"
    architecture: Literal["published", "conv4_strided", "conv4_pooled", "resnet12"] = "published"
    filters: int = AS_PUBLISHED
    initialisation: Literal["published", "torch"] = "published"
    """How weights are drawn: as the network's authors do, or as torch does.

    learn2learn draws the head from a normal distribution, and MAML needs many steps to shrink it.
    """

    def __post_init__(self) -> None:
        self._fill_in()
        if self._located[1] is not None:
            self._pin()
        super().__post_init__()

    @property
    def published(self) -> Published:
        """What the recipe says of this set, so many ways and so many shots."""
        return published(self.recipe, self.set.name, self.ways, self.shots)

    @property
    def converges(self) -> ConvergencePoint | None:
        """The recipe's accuracy, whatever else is set, for its data, ways, shots and network."""
        said = self.published
        same_network = (self.architecture, self.filters) == (said.architecture, said.filters)
        return said.converges if same_network else None

    @property
    def example_shape(self) -> tuple[int, ...]:
        form = self.set.form
        return form.channels, form.side, form.side

    def network(self) -> nn.Module:
        return NETWORKS[self.architecture](self.set.form, self.ways, self.filters)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        if self.initialisation == "torch":
            draw_as_torch(network, generator)
        else:
            super().initialise(network, generator)

    def sample(self, rng: np.random.Generator, split: str, examples: int) -> NDArray[np.float32]:
        if split not in self._pools:
            self._pools[split] = self.pool(split)
        return self._pools[split].sample(rng, self.ways, examples)

    def pool(self, split: str) -> ImageSplit:
        """Return the classes of the split train, valid or test."""
        return self.set.split(self.images, self.split, split, self._folder)

    @property
    def set(self) -> ImageSet:
        return self._located[0]

    @cached_property
    def images(self) -> Packed:
        """The whole set, after packing it if need be."""
        return self.set.open(self._folder)

    @cached_property
    def _pools(self) -> dict[str, ImageSplit]:
        return {}

    @cached_property
    def _located(self) -> tuple[ImageSet, Path | None]:
        return located(self.data.partition("@")[0], self.place.data_dir)

    @property
    def _folder(self) -> Path:
        if self._located[1] is None:
            raise self.set.absent("needs a folder of data")
        return self._located[1]

    def _fill_in(self) -> None:
        """Set what was left to the recipe."""
        said = asdict(self.published)
        said["queries"] = self.shots if said["queries"] is None else said["queries"]
        for field in fields(self):
            left_out = getattr(self, field.name) == field.default
            if left_out and field.name in said and field.default in (AS_PUBLISHED, "published"):
                object.__setattr__(self, field.name, said[field.name])

    def _pin(self) -> None:
        """Have `data` say which images they are, and refuse others than it said already."""
        name, _, pinned = self.data.partition("@")
        found = self.images.sha256
        if not found.startswith(pinned):
            raise UsageError(
                f"data = {self.data!r}: the set in data_dir is another one, {found[:PINNED]}. "
                f"Write data = {name!r} to take it, or restore the files."
            )
        object.__setattr__(self, "data", f"{name}@{found[:PINNED]}")
