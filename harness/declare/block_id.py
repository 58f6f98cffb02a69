"""The id of a block, by which a plan, the records and an engine know it."""

from __future__ import annotations

from urllib.parse import quote

from harness.declare.pair import Member
from harness.declare.point import Point, words_of


def block_id(pair: str, measured: str, point: Point, member: Member, seed: int, rnd: int) -> str:
    at = f"@{quote(words_of(point), safe='=. ')}".replace(" ", ",") if point else ""
    return f"{pair}/{measured}{at}/{member}/seed{seed}/round{rnd}"


def pair_in(block: str) -> str:
    """Return the name of the pair whose block it is."""
    return block.rsplit("/", 4)[0]
