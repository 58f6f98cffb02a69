"""An update pattern: which groups of parameters each inner step changes.

Written as one bit a group, from the input to the head: 00011 changes the last block and the head of
a network of five groups. maml, anil and boil name the corners of a network of any depth. Patterns
joined by slashes are one a step, and the last of them holds for all steps after it: maml/anil
changes everything in the first step and the head alone from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from harness.errors import UnknownName, UsageError

Pattern = tuple[bool, ...]


def corners(groups: int) -> dict[str, Pattern]:
    """Return the named patterns: everything, the head alone, everything but the head."""
    body = groups - 1
    return {
        "maml": (True,) * groups,
        "anil": (False,) * body + (True,),
        "boil": (True,) * body + (False,),
    }


def every_pattern(groups: int) -> list[str]:
    """Return all patterns that change something, in the order of their bits."""
    return ["".join(bits) for bits in product("01", repeat=groups) if "1" in bits]


def read_schedule(text: str, groups: Sequence[str], steps: int) -> tuple[Pattern, ...]:
    """Return the pattern of every step, for a network of these groups."""
    patterns = [_read(word, groups) for word in text.split("/")]
    return tuple(patterns[min(step, len(patterns) - 1)] for step in range(steps))


def lowest(pattern: Pattern) -> int:
    """Return the group nearest to the input that the pattern changes."""
    return pattern.index(True)


def _read(word: str, groups: Sequence[str]) -> Pattern:
    named = corners(len(groups))
    if word in named:
        return named[word]
    if not word or set(word) - set("01"):
        raise UnknownName(
            "update pattern", word, named, f"Or write one bit for each of {', '.join(groups)}."
        )
    pattern = tuple(bit == "1" for bit in word)
    if len(pattern) != len(groups):
        raise UsageError(
            f"update pattern {word} has {len(word)} bits, but the network has {len(groups)} "
            f"groups: {', '.join(groups)}. Write one bit a group, as in "
            f"{'1'.rjust(len(groups), '0')}, or a name: {', '.join(named)}."
        )
    if not any(pattern):
        raise UsageError(
            f"update pattern {word} changes nothing. Set at least one bit, as in {word[:-1]}1."
        )
    return pattern
