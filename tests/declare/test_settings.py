"""Plain data becomes a dataclass, or the message names what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from harness.declare.settings import build, describe, read_toml
from harness.errors import UnknownName, UsageError


@dataclass(frozen=True)
class Inner:
    name: str
    size: float = 1.0

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"size {self.size} must not be negative")


@dataclass(frozen=True)
class Outer:
    first: int
    word: str = "w"
    rate: float = 0.5
    maybe: float | None = None
    kind: Literal["a", "b"] = "a"
    flag: bool = False
    sizes: tuple[int, ...] = ()
    inner: Inner = Inner("i")
    inners: tuple[Inner, ...] = ()
    loose: dict[str, int | str] = field(default_factory=dict)
    derived: int = field(default=0, init=False)


def refusal(**given: Any) -> str:
    with pytest.raises(UsageError) as refused:
        build(Outer, {"first": 1} | given, "owner")
    return str(refused.value)


def test_settings_become_fields_and_the_rest_keep_their_defaults():
    assert build(Outer, {"first": 3, "word": "x"}, "owner") == Outer(3, "x")


def test_lists_become_tuples_and_tables_become_dataclasses():
    given = {"first": 1, "sizes": [4, 5], "inner": {"name": "n"}, "inners": [{"name": "m"}]}
    assert build(Outer, given, "owner") == Outer(
        1, sizes=(4, 5), inner=Inner("n"), inners=(Inner("m"),)
    )


def test_whole_numbers_serve_as_numbers_and_become_them():
    built = build(
        Outer, {"first": 1, "rate": 2, "maybe": 3, "inner": {"name": "n", "size": 4}}, "o"
    )
    values = (built.rate, built.maybe, built.inner.size)
    assert values == (2.0, 3.0, 4.0)
    assert [type(value) for value in values] == [float, float, float]


def test_scalars_of_a_loose_table_stay_as_they_are():
    built = build(Outer, {"first": 1, "loose": {"a": 1, "b": "x"}}, "owner")
    assert built.loose == {"a": 1, "b": "x"}
    assert type(built.loose["a"]) is int


def test_leading_fields_may_be_fixed_and_are_then_no_settings():
    assert build(Outer, {"word": "x"}, "owner", 9) == Outer(9, "x")
    with pytest.raises(UnknownName, match="owner: unknown setting 'first'"):
        build(Outer, {"first": 1}, "owner", 9)


def test_an_unknown_setting_is_met_with_the_nearest():
    message = refusal(siezs=[1])
    assert message.startswith("owner: unknown setting 'siezs' (did you mean 'sizes'?). Allowed: ")


def test_a_derived_field_is_no_setting():
    assert "owner: unknown setting 'derived'" in refusal(derived=1)


def test_missing_settings_are_all_named():
    with pytest.raises(UsageError, match=r"^owner: missing first\. Add it\.$"):
        build(Outer, {}, "owner")


@pytest.mark.parametrize(
    ("given", "owed"),
    [
        ({"first": 1.5}, "first = 1.5 must be a whole number"),
        ({"first": True}, "first = True must be a whole number"),
        ({"first": "1"}, "first = '1' must be a whole number"),
        ({"first": None}, "first = None must be a whole number"),
        ({"word": 1}, "word = 1 must be a string"),
        ({"rate": "1"}, "rate = '1' must be a finite number"),
        ({"rate": False}, "rate = False must be a finite number"),
        ({"rate": float("nan")}, "rate = nan must be a finite number"),
        ({"rate": float("-inf")}, "rate = -inf must be a finite number"),
        ({"rate": 10**400}, "000... must be a finite number"),
        ({"maybe": "1"}, "must be a finite number or null"),
        ({"kind": "c"}, "kind = 'c' must be 'a' or 'b'."),
        ({"kind": "aa"}, "kind = 'aa' must be 'a' or 'b' (did you mean 'a'?)."),
        ({"word": ["x" * 9000]}, "xxx... must be a string"),
        ({"flag": 1}, "flag = 1 must be true or false"),
        ({"sizes": 3}, "sizes = 3 must be a list of whole numbers"),
        ({"sizes": [1, 2.5]}, "must be a list of whole numbers"),
        ({"inner": 3}, "inner = 3 must be a table"),
        ({"inners": {"name": "n"}}, "must be a list of tables"),
        ({"loose": {"a": 1.5}}, "must be a table"),
        ({"loose": [1]}, "loose = [1] must be a table"),
    ],
)
def test_a_value_of_another_type_is_shown_beside_what_it_must_be(given, owed):
    message = refusal(**given)
    assert message.startswith("owner: setting ")
    assert owed in message


def test_a_fault_inside_is_told_with_the_way_to_it():
    message = refusal(inners=[{"name": "good"}, {"name": "bad", "size": "x"}])
    assert message.startswith("owner, inners 'bad': setting size = 'x' must be a finite number")
    assert refusal(inner={"nam": "x"}).startswith("owner, inner: unknown setting 'nam'")
    assert refusal(inners=[{"size": 1.0}]).startswith("owner, inners 1: missing name.")


def test_what_the_dataclass_itself_refuses_is_told_with_its_owner():
    assert (
        refusal(inner={"name": "n", "size": -1}) == "owner, inner: size -1.0 must not be negative."
    )


@dataclass(frozen=True)
class Anyhow:
    nothing: None = None
    anything: Any = None


def test_null_fits_null_alone():
    assert build(Anyhow, {"nothing": None}, "owner") == Anyhow()
    with pytest.raises(UsageError, match="nothing = 0 must be null"):
        build(Anyhow, {"nothing": 0}, "owner")
    assert describe(None) == describe(type(None)) == "null"


@pytest.mark.parametrize("value", [None, 1, "x", [], {}])
def test_anything_fits_any(value: Any):
    assert build(Anyhow, {"anything": value}, "owner") == Anyhow(anything=value)


class TestATomlFile:
    def test_is_read(self, tmp_path):
        (tmp_path / "f.toml").write_text("first = 1\n[[inners]]\nname = 'é'\n")
        assert read_toml(Outer, tmp_path / "f.toml") == Outer(1, inners=(Inner("é"),))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"first = = 1", r"^f\.toml: not valid TOML: .*line 1.*\. Correct the file\.$"),
            (b"first = 1\nfirst = 2", r"^f\.toml: not valid TOML: "),
            (b"word = '\xff'", r"f\.toml: cannot be read: .*utf-8.*Give a TOML file in UTF-8\.$"),
            (b"", r"^f\.toml: missing first\."),
            (b"first = " + b"[" * 5000, r"^f\.toml: nested too deeply\."),
            (b"frist = 1", r"^f\.toml: unknown setting 'frist' \(did you mean 'first'\?\)"),
            (b"first = 1979-05-27", r"^f\.toml: setting first = .* must be a whole"),
        ],
    )
    def test_that_is_none_says_so_with_its_name(self, tmp_path, content, message):
        (tmp_path / "f.toml").write_bytes(content)
        with pytest.raises(UsageError, match=message):
            read_toml(Outer, tmp_path / "f.toml")

    @pytest.mark.parametrize("name", ["absent.toml", "."])
    def test_that_cannot_be_opened_says_so(self, tmp_path, name):
        with pytest.raises(UsageError, match="cannot be read"):
            read_toml(Outer, tmp_path / name)
