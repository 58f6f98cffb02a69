"""CIFAR-10 with wrong or with rare labels, read from data_dir: Meta-Weight-Net's own benchmark.

Of every class's training images, in their published order, the first 100 are the clean examples
that the meta loss is of, the next 100 validate, and the rest train. Training images are shown
flipped or not and shifted by up to four pixels. The published experiment takes 15,000 steps with
network=resnet32, which is for a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.registry import workload
from suites.cifar_batches import CLASSES, read_cifar10
from suites.labelled_images import LabelledImages, Table

SHIFT = 4
OF_EACH_CLASS = 100
MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(3, 1, 1)
SPREAD = torch.tensor([0.2470, 0.2435, 0.2616]).view(3, 1, 1)


class Residual(nn.Module):
    """Two convolutions and a way past them, which drops rows and adds channels where it must."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride = after // before if before != after else 1
        self.wider = after - before
        self.first = nn.Conv2d(before, after, 3, self.stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        past = x[:, :, :: self.stride, :: self.stride]
        past = functional.pad(past, (0, 0, 0, 0, self.wider // 2, self.wider // 2))
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inner)) + past)


def resnet32() -> nn.Module:
    """Return the ResNet of 32 layers for small images (He et al. 2016)."""
    stages = [(16, 16)] * 5 + [(16, 32)] + [(32, 32)] * 4 + [(32, 64)] + [(64, 64)] * 4
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Residual(before, after) for before, after in stages),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def small() -> nn.Module:
    """Return three convolutions with strides: minutes on a CPU instead of hours."""
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 64)):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


NETWORKS: dict[str, Callable[[], nn.Module]] = {"small": small, "resnet32": resnet32}


@workload("cifar10")
@dataclass(frozen=True)
class Cifar10(LabelledImages):
    """CIFAR-10 from data_dir, 100 times as many of the first class as of the last by default."""

    base_momentum: float = 0.9
    base_weight_decay: float = 5e-4
    imbalance: float = 100.0
    network: Literal["small", "resnet32"] = "small"

    @property
    def data(self) -> str:
        return "CIFAR-10, from data_dir"

    @property
    def classes(self) -> int:
        return CLASSES

    def base_network(self) -> nn.Module:
        return NETWORKS[self.network]()

    def split_tables(self) -> dict[str, Table]:
        train, test = read_cifar10(self.place.data_dir)
        place = np.empty(len(train.labels), np.int64)
        for label in range(CLASSES):
            mine = train.labels == label
            place[mine] = np.arange(mine.sum())
        clean, valid = place < OF_EACH_CLASS, place < 2 * OF_EACH_CLASS

        def table(pixels: np.ndarray, labels: np.ndarray) -> Table:
            device = self.place.device
            return torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)

        return {
            "train": table(train.pixels[~valid], train.labels[~valid]),
            "clean": table(train.pixels[clean], train.labels[clean]),
            "valid": table(train.pixels[valid & ~clean], train.labels[valid & ~clean]),
            "test": table(test.pixels, test.labels),
        }

    def scaled(self, images: Tensor) -> Tensor:
        dtype, device = self.place.torch_dtype, self.place.device
        mean, spread = MEAN.to(device, dtype), SPREAD.to(device, dtype)
        return (images.to(dtype) / 255 - mean) / spread

    def varied(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        flipped = torch.from_numpy(rng.random(len(images)) < 0.5).to(images.device)
        images = torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)
        side = images.shape[-1]
        padded = functional.pad(images, (SHIFT,) * 4)
        corners = rng.integers(2 * SHIFT + 1, size=(len(images), 2))
        shown = [
            image[:, top : top + side, left : left + side]
            for image, (top, left) in zip(padded, corners.tolist(), strict=True)
        ]
        return torch.stack(shown)
