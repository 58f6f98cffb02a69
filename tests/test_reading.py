"""What others wrote is read only as far as memory has room for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.reading import from_json, lines_in, read_whole


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert read_whole(path, most=8) == b"12345678"
    with pytest.raises(UsageError, match="file: it has more than 7 bytes"):
        read_whole(path, most=7)


def test_a_device_that_never_ends_is_refused():
    with pytest.raises(UsageError, match="/dev/zero: it has more than 1 MiB"):
        read_whole(Path("/dev/zero"), most=2**20)


def test_lines_are_read_one_by_one_and_none_that_is_too_long():
    text = b"one\n" + b"x" * 10 + b"\nlast"
    assert list(lines_in(io.BytesIO(text), Path("f"), most=11)) == [
        b"one\n",
        b"x" * 10 + b"\n",
        b"last",
    ]
    lines = lines_in(io.BytesIO(text), Path("f"), most=10)
    assert next(lines) == b"one\n"
    with pytest.raises(UsageError, match="f: a line has more than 10 bytes"):
        next(lines)


@pytest.mark.parametrize(
    "half", [b'{"a": ["\\ud800"]}', b'{"\\uDFFF": 1}', b'"\xed\xa0\x80"', b'"\xff"']
)
def test_text_that_could_not_be_written_again_is_no_json(half: bytes) -> None:
    with pytest.raises(ValueError, match="codec"):
        from_json(half)


def test_a_whole_surrogate_pair_is_the_letter_that_it_is() -> None:
    assert from_json(b'"\\ud83d\\ude42"') == "\U0001f642"
    assert from_json('"a\\\\ud800"') == "a\\ud800"  # a backslash, and no surrogate
    assert from_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
