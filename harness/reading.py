"""Files of others, read only as far as memory has room for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import UsageError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

MOST_BYTES = 2**28  # of a file that is read whole
MOST_OF_OBJECTS = 2**24  # of a line: read as JSON, it takes some thirty times as many


def read_whole(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file, or refuse what is larger than any of its kind."""
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UsageError(f"{path}: it has more than {_size(most)}, which no such file has.")
    return content


def lines_in(file: BinaryIO, where: Path, most: int = MOST_OF_OBJECTS) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, or refuse one that no harness wrote."""
    while line := file.readline(most + 1):
        if len(line) > most:
            raise UsageError(f"{where}: a line has more than {_size(most)}: it is damaged.")
        yield line


def from_json(text: str | bytes) -> Any:
    """Return what JSON holds; half of a surrogate pair, which no file can hold, is a ValueError."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    held = json.loads(text)
    if _SURROGATE.search(text):
        json.dumps(held, ensure_ascii=False).encode()
    return held


def _size(most: int) -> str:
    return f"{most >> 20} MiB" if most >= 2**20 else f"{most} bytes"
