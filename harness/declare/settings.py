"""Plain data to dataclasses: every name and type is checked once, at the edge."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UnknownName, UsageError

T = TypeVar("T")


def build(cls: type[T], given: Mapping[str, Any], owner: str, *fixed: Any) -> T:
    """Make a cls of its fixed leading arguments and the given settings, or say which is wrong.

    Settings may nest: a field that is a dataclass, or a tuple of them, is built of tables.
    """
    fields = [f for f in dataclasses.fields(cls) if f.init][len(fixed) :]  # type: ignore[arg-type]  # any dataclass
    types_of = typing.get_type_hints(cls)
    names = {f.name for f in fields}
    for name, value in given.items():
        if name not in names:
            raise UnknownName(f"setting of {owner}", name, names)
        if not matches(value, types_of[name]):
            raise UsageError(
                f"{owner}: setting {name} = {value!r} is a {type(value).__name__}, "
                f"but must be {describe(types_of[name])}."
            )
    missing = [f.name for f in fields if _required(f) and f.name not in given]
    if missing:
        raise UsageError(f"{owner}: missing {', '.join(missing)}. Add what is missing.")
    converted = {
        name: _convert(value, types_of[name], f"{owner}, {name}") for name, value in given.items()
    }
    try:
        return cls(*fixed, **converted)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from None


def read_toml(cls: type[T], path: Path) -> T:
    """Read a TOML file into a dataclass."""
    try:
        return build(cls, tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: not valid TOML: {error}. Mend it there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}. Give a TOML file in UTF-8.") from None


def matches(value: Any, hint: Any) -> bool:
    """Say whether a TOML or JSON value fits a type hint built of plain types."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(matches(value, option) for option in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin in (tuple, list):
        return isinstance(value, list | tuple) and all(matches(v, arguments[0]) for v in value)
    if dataclasses.is_dataclass(hint):
        return isinstance(value, dict | hint)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(matches(v, arguments[1]) for v in value.values())
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max  # neither NaN nor infinity is
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return value is None if hint is None else isinstance(value, hint)


def describe(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(option) for option in arguments)
    if origin is typing.Literal:
        return " or ".join(repr(option) for option in arguments)
    if origin in (tuple, list):
        return f"a list of {describe(arguments[0])}"
    if origin in (dict, Mapping):
        return "a table"
    words = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false"}
    return words.get(
        hint, "null" if hint in (None, type(None)) else getattr(hint, "__name__", str(hint))
    )


def _convert(value: Any, hint: Any, owner: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(value, dict) and dataclasses.is_dataclass(hint):
        return build(hint, value, owner)  # type: ignore[arg-type]  # a class, not an instance
    if isinstance(value, list | tuple) and origin is tuple:
        return tuple(
            _convert(v, arguments[0], f"{owner} {_name_of(v, i)}") for i, v in enumerate(value)
        )
    if origin in (typing.Union, types.UnionType) and value is not None:
        return _convert(value, next(o for o in arguments if matches(value, o)), owner)
    return float(value) if hint is float else value


def _name_of(value: Any, index: int) -> str:
    return repr(value["name"]) if isinstance(value, dict) and "name" in value else str(index + 1)


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
