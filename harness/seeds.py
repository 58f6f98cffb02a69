"""Seeds are derived, never drawn: every number that looks random is a hash of its purpose."""

from __future__ import annotations

import hashlib


def derive(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for one purpose, independent of every other purpose's seed."""
    words = "\x1f".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest()) >> 1


def block_seed(base: int, workload: str, repetition: int) -> int:
    """Return the seed of a block; the learner has no part in it, so both members agree."""
    return derive(base, "block", workload, repetition)
