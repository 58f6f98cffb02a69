"""A glyph as a field: every pixel once, where it is, and a network of sines to store it."""

from __future__ import annotations

import pytest
import torch

from suites.fields import GlyphFields, Siren
from suites.glyphs import SIDE, load


def test_a_task_is_one_glyph_with_every_pixel_where_it_is():
    task = next(iter(GlyphFields().eval_batch(3, "test", 0, 1)))
    places, ink = task.support_x, task.support_y
    assert len({tuple(place) for place in places.tolist()}) == SIDE * SIDE
    rows, columns = ((places + 1) / 2 * (SIDE - 1)).round().long().unbind(1)
    image = torch.empty(SIDE, SIDE)
    image[rows, columns] = ink[:, 0]
    of_split = torch.from_numpy(load().split("test").images.copy())
    assert (of_split == image).flatten(1).all(1).any()
    assert torch.equal(task.query_x, places)
    assert torch.equal(task.query_y, ink)


def test_quality_is_the_peak_signal_to_noise_ratio():
    workload, ink = GlyphFields(), torch.zeros(50, 1)
    assert float(workload.quality(ink + 0.1, ink)) == pytest.approx(20.0, abs=1e-4)
    assert float(workload.quality(ink + 0.01, ink)) == pytest.approx(40.0, abs=1e-4)


@torch.no_grad()
def test_a_siren_s_waves_keep_their_spread_from_layer_to_layer():
    """As published: past the first layer, what sines are taken of has a deviation of about 1."""
    network = Siren(2, (256, 256, 256), 1, 30.0)
    network.initialise(torch.Generator().manual_seed(0))
    x = torch.rand(500, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for number, layer in enumerate(network.hidden):
        before = 30.0 * layer(x)
        if number:
            assert 0.8 < float(before.std()) < 1.3
        x = torch.sin(before)
        assert 0.6 < float(x.std()) < 0.8  # of a sine that has been all round, it is 0.71
