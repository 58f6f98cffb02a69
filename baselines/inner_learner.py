"""The learner that another one is made of, by its name."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.errors import UsageError
from harness.registry import Registry


def of_family(name: str, family: str, examples: str) -> Any:
    """Return the class of this name, which must be of the family."""
    found = loaded(name)
    if found.family != family:
        raise UsageError(
            f"inner={name}: an implementation of {found.family}, but one of "
            f"{family} is needed. Name one, such as {examples}."
        )
    return found


@cache
def loaded(name: str) -> Any:
    return Registry().find(name, "baseline", "method").load()
