"""Seeds are a pure function of what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.seeds import block_seed, derive


def test_seeds_are_what_they_were_when_published_runs_were_made():
    assert derive(0) == 4761921975702974394
    assert derive(7, "task", "valid", 3) == 6648654689244197360
    assert block_seed(0, "sinusoid", 2) == 883434502903422233


@pytest.mark.parametrize(
    "other", [(1, "task", 0), (0, "tasks", 0), (0, "task", 1), (0, "task"), (0, 0, "task")]
)
def test_another_purpose_has_another_seed(other):
    assert derive(*other) != derive(0, "task", 0)


def test_neighbouring_numbers_do_not_run_together():
    assert derive(1, 23) != derive(12, 3)
    assert derive(0, "a", "bc") != derive(0, "ab", "c")


def test_a_block_differs_from_another_by_workload_and_repetition_and_by_nothing_else():
    seeds = {block_seed(0, workload, n) for workload in ("glyphs", "sinusoid") for n in range(50)}
    assert len(seeds) == 100
    assert block_seed(0, "glyphs", 3) in seeds
    assert block_seed(1, "glyphs", 3) not in seeds


def test_every_seed_fits_torch_and_numpy():
    for purpose in range(200):
        seed = derive(purpose, "any")
        assert 0 <= seed < 2**63
        torch.Generator().manual_seed(seed)
        np.random.default_rng(seed)
