"""Tasks as torchmeta's users get them: through its datasets, transforms and `BatchMetaDataLoader`.

torchmeta draws as it goes along, so that what a task holds depends on which were drawn before it.
Here every task is drawn by a meta-dataset that was made and seeded for it alone, and is a pure
function of its index, as all of our tasks are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from baselines.torchmeta_compat import usable_torchmeta
from harness.declare.workload import Place
from harness.registry import workload
from harness.seeds import derive
from suites.fewshot import Tasks
from suites.glyph_tasks import Glyphs
from suites.glyphs import GlyphSplit, load
from suites.sinusoid import Sinusoid

with usable_torchmeta():
    from torchmeta.toy.helpers import sinusoid
    from torchmeta.transforms import Categorical, ClassSplitter
    from torchmeta.utils.data import (
        BatchMetaDataLoader,
        ClassDataset,
        CombinationMetaDataset,
        Dataset,
        MetaDataset,
    )

MOST = 2**32  # seeds of NumPy's older generator, which torchmeta uses, end here


class GlyphClass(Dataset):  # type: ignore[misc]  # untyped base
    """Every image of one character."""

    def __init__(self, index: int, split: GlyphSplit, target_transform: Any) -> None:
        super().__init__(index, target_transform=target_transform)
        self.images = split.instances(index)
        self.character = split.classes[index]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        return torch.tensor(self.images[index]).unsqueeze(0), self.target_transform(self.character)


class GlyphClasses(ClassDataset):  # type: ignore[misc]  # untyped base
    """The characters of a split."""

    def __init__(self, split: GlyphSplit) -> None:
        super().__init__(meta_split="val" if split.name == "valid" else split.name)
        self.split = split

    @property
    def num_classes(self) -> int:
        return len(self.split.classes)

    def __getitem__(self, index: int) -> GlyphClass:
        return GlyphClass(int(index), self.split, self.get_target_transform(index))


class InOrder(Categorical):  # type: ignore[misc]  # untyped base
    """Labels in the order of the task's classes, which is random already.

    torchmeta's own permutes them once more, by torch's global generator.
    """

    @property
    def labels(self) -> list[int]:
        return list(range(self.num_classes))


class Drawn(MetaDataset):  # type: ignore[misc]  # untyped base
    """Task i is the first that the meta-dataset made for i draws."""

    def __init__(self, made_for: Callable[[int], Any]) -> None:
        super().__init__(meta_split="train")
        self.made_for = made_for

    def __getitem__(self, index: int) -> Any:
        return self.made_for(index).sample_task()


def loaded(made_for: Callable[[int], Any], start: int, count: int, place: Place) -> Tasks:
    """Return tasks start to start + count, batched by torchmeta's loader."""
    loader = BatchMetaDataLoader(
        Drawn(made_for), count, shuffle=False, sampler=range(start, start + count)
    )
    loader.generator = torch.Generator()  # or else it takes a number from the global one
    batch = next(iter(loader))
    support_x, support_y, query_x, query_y = (
        part.to(place.device, place.torch_dtype if part.is_floating_point() else None)
        for part in (*batch["train"], *batch["test"])
    )
    return Tasks(support_x, support_y, query_x, query_y)


@workload("torchmeta_glyphs_5w1s")
@dataclass(frozen=True)
class TorchmetaGlyphs(Glyphs):
    """Glyphs, 5 ways, 1 shot, conv4-64, one inner step, drawn and batched by torchmeta."""

    @property
    def data(self) -> str:
        return "glyphs (embedded), by torchmeta's loader"

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        classes = GlyphClasses(load().split(split))
        queries = self.queries if split == "train" else self.eval_queries

        def made_for(index: int) -> Any:
            dataset = CombinationMetaDataset(classes, self.ways, target_transform=InOrder())
            dataset = ClassSplitter(
                dataset, num_train_per_class=self.shots, num_test_per_class=queries
            )
            dataset.seed(derive(seed, "task", split, index) % MOST)
            return dataset

        return loaded(made_for, start, count, self.place)


@workload("torchmeta_sinusoid")
@dataclass(frozen=True)
class TorchmetaSinusoid(Sinusoid):
    """Sinusoid regression, 10 shots, a 1-40-40-1 network, from torchmeta's toy and its loader."""

    @property
    def data(self) -> str:
        return "sinusoids (torchmeta's toy)"

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        def made_for(index: int) -> Any:
            drawn = derive(seed, "task", split, index) % MOST
            return sinusoid(self.shots, test_shots=self.queries, seed=drawn, num_tasks=1)

        return loaded(made_for, start, count, self.place)
