"""Plain data to dataclasses: every name and type is checked once, at the edge."""

from __future__ import annotations

import dataclasses
import functools
import sys
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UnknownName, UsageError, suggestion
from harness.reading import read_whole

T = TypeVar("T")
UNIONS = (typing.Union, types.UnionType)
LONGEST = 200  # characters of a value that an error shows
Maker = Callable[[Any, str], Any]
"""Makes a value of what was given, whose owner has this name."""


@dataclass(frozen=True)
class _Setting:
    """A field that may be given."""

    hint: Any
    fits: Callable[[Any], bool]
    make: Maker | None
    nullable: bool


@dataclass(frozen=True)
class _Settings:
    """The fields that may be given, taken apart once: thousands of records are of one class."""

    named: dict[str, _Setting]
    required: tuple[str, ...]
    made: tuple[tuple[str, Maker], ...]
    """Those whose values are made into others."""


@functools.cache
def _settings_of(cls: type[Any], fixed: int) -> _Settings:
    """Return the settings that stand behind so many fixed arguments."""
    hints = typing.get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.init][fixed:]
    named = {}
    for field in fields:
        hint = hints[field.name]
        fits = _test_of(hint)
        named[field.name] = _Setting(hint, fits, _maker_of(hint), fits(None))
    required = tuple(
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    made = tuple((name, each.make) for name, each in named.items() if each.make is not None)
    return _Settings(named, required, made)


def build(cls: type[T], given: Mapping[str, Any], owner: str, *fixed: Any) -> T:
    """Make a cls of its fixed leading arguments and the given settings, or say which is wrong.

    Settings may nest: a field that is a dataclass, or a tuple of them, is built of tables.
    """
    known = _settings_of(cls, len(fixed))  # type: ignore[arg-type]  # a class can be hashed
    for name, value in given.items():
        setting = known.named.get(name)
        if setting is None:
            raise UnknownName("setting", name, known.named, where=owner)
        if value is None and setting.nullable:  # as most fields of a record are
            continue
        if not setting.fits(value):
            raise UsageError(
                f"{owner}: setting {name} = {shown(value)} must be {describe(setting.hint)}"
                f"{_nearest(value, setting.hint)}."
            )
    if missing := [name for name in known.required if name not in given]:
        raise UsageError(
            f"{owner}: missing {', '.join(missing)}. Add {'it' if len(missing) == 1 else 'them'}."
        )
    converted = dict(given)
    for name, make in known.made:
        if (value := given.get(name)) is not None:
            converted[name] = make(value, f"{owner}, {name}")
    try:
        return cls(*fixed, **converted)
    except ValueError as error:
        raise UsageError(f"{owner}: {str(error).rstrip('.')}.") from None


def read_toml(cls: type[T], path: Path) -> T:
    """Read a TOML file into a dataclass."""
    try:
        return build(cls, tomllib.loads(read_whole(path).decode()), path.name)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: not valid TOML: {error}. Correct the file.") from None
    except RecursionError:
        raise UsageError(f"{path.name}: nested too deeply. Correct the file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}. Give a TOML file in UTF-8.") from None


@functools.cache
def _test_of(hint: Any) -> Callable[[Any], bool]:
    """Return the test of a hint, which is taken apart once and not for every value."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: True
    if isinstance(hint, TypeVar):
        return _test_of(hint.__bound__)
    if origin in UNIONS:
        *others, last = [_test_of(option) for option in sorted(arguments, key=_may_be_null)]
        if len(others) == 1:
            (first,) = others
            return lambda value: last(value) or first(value)  # most fields of a record are null
        return lambda value: last(value) or any(fits(value) for fits in others)
    if origin is typing.Literal:
        return lambda value: value in arguments
    if origin in (tuple, list):
        each = _test_of(arguments[0])
        return lambda value: isinstance(value, list | tuple) and all(map(each, value))
    if dataclasses.is_dataclass(hint):
        return lambda value: isinstance(value, dict | hint)
    if origin in (dict, Mapping):
        of_value = _test_of(arguments[1])
        return lambda value: isinstance(value, dict) and all(map(of_value, value.values()))
    if hint is float:
        return _is_finite
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    return (lambda value: value is None) if hint is None else lambda value: isinstance(value, hint)


def _may_be_null(hint: Any) -> bool:
    return hint in (None, type(None))


def _is_finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # neither NaN nor infinity is


def describe(hint: Any) -> str:
    """Say what fits a type hint, as in "a whole number" or "a table of lists"."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return " or ".join(describe(option) for option in arguments)
    if origin is typing.Literal:
        return " or ".join(repr(option) for option in arguments)
    if origin in (tuple, list):
        return f"a list of {_several(describe(arguments[0]))}"
    if origin in (dict, Mapping):
        lists = typing.get_origin(arguments[1]) in (tuple, list)
        return "a table of lists" if lists else "a table"
    words = {
        int: "a whole number",
        float: "a finite number",
        str: "a string",
        bool: "true or false",
    }
    if dataclasses.is_dataclass(hint):
        return "a table"
    return words.get(
        hint, "null" if hint in (None, type(None)) else getattr(hint, "__name__", str(hint))
    )


def _several(one: str) -> str:
    """Return the plural of such a description: "tables", "whole numbers"."""
    head, *rest = one.removeprefix("a ").split(" of ")
    return " of ".join([f"{head}s", *rest]) if one.startswith("a ") else one


def shown(value: Any) -> str:
    """Write a value for an error; a file can hold one of any length."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _nearest(value: Any, hint: Any) -> str:
    """Return a hint at the nearest of the strings that are allowed, if there are such."""
    if not isinstance(value, str) or typing.get_origin(hint) not in (typing.Literal, *UNIONS):
        return ""
    options = typing.get_args(hint)
    names = [each for each in options if isinstance(each, str)]
    return suggestion(value, names) or "".join(_nearest(value, each) for each in options)


@functools.cache
def _maker_of(hint: Any) -> Maker | None:
    """Return what makes a fitting value one of the hint's own type; None if it is already."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is float:
        return lambda value, owner: float(value)
    if dataclasses.is_dataclass(hint):
        made = typing.cast(type[Any], hint)
        return lambda value, owner: build(made, value, owner) if isinstance(value, dict) else value
    if origin is tuple:
        each = _maker_of(arguments[0])
        if each is None:
            return lambda value, owner: tuple(value)
        return lambda value, owner: tuple(
            each(part, f"{owner} {_name_of(part, i)}") for i, part in enumerate(value)
        )
    if origin in (dict, Mapping) and typing.get_origin(arguments[1]) is tuple:
        return lambda value, owner: {name: tuple(part) for name, part in value.items()}
    if origin in UNIONS:
        options = [(_test_of(option), _maker_of(option)) for option in arguments]
        if any(make is not None for _, make in options):
            return lambda value, owner: next(
                value if make is None else make(value, owner)
                for fits, make in options
                if fits(value)
            )
    return None


def _name_of(value: Any, index: int) -> str:
    return repr(value["name"]) if isinstance(value, dict) and "name" in value else str(index + 1)
