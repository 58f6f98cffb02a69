"""The learner that another one gives its work to, by name."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.errors import UsageError
from harness.registry import Registry


def inner_class(name: str, family: str, outer: str, examples: str) -> Any:
    """Return the class of this name, which must be of the family that the outer learner takes."""
    found = loaded(name)
    if found.family != family:
        raise UsageError(
            f"inner={name}: an implementation of {found.family}, and {outer} takes one of "
            f"{family}. Name one of those, such as {examples}."
        )
    return found


@cache
def loaded(name: str) -> Any:
    return Registry().find(name, "baseline", "method").load()
