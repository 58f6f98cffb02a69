"""A point of a sweep: the settings that are changed from the pair's own, as {setting: value}."""

from __future__ import annotations

from collections.abc import Mapping

Scalar = int | float | str | bool
Point = Mapping[str, Scalar]

OWN: Point = {}
"""The pair's own settings, with nothing changed."""

PointKey = tuple[tuple[str, Scalar], ...]


def key_of(point: Point) -> PointKey:
    """Return a point as something that a table can be looked up by."""
    return tuple(sorted(point.items()))


def words_of(point: Point) -> str:
    """Write a point as words, for people and for the names of blocks."""
    return " ".join(f"{name}={value}" for name, value in key_of(point))
