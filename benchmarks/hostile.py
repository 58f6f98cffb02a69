"""Damage and malice: files as chance, a fault or an attacker might have left them."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import pickle
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

from harness.records.pack import SUMS

OUTSIDE = "../outside"
"""Where nothing may be written: a name beside the folder that a case may write to."""
DEEP = 100_000

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**400),
    *(0.5, -0.0, 5e-324, 1e-320, 1e308, -1e308, float("nan"), float("inf")),
    *("", " ", "x" * 50_000, "\0", "\n", "\ud800", "\u202e", "%s%n", "{0.__class__}"),
    *(OUTSIDE, f"{OUTSIDE}/a", "/etc/passwd", "C:\\a", "~", ".", "con"),
    *("<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "{{ 7*7 }}", "ok"),
    *([], {}, [[]], [None], {"": None}, [1e308, -1e308], list(range(1000)), {"a": {"b": {"c": 1}}}),
)
TOML = (
    *("1e308", "-1e308", "inf", "nan", "-1", "0", "1", "99999999999999999999999", "0.5", "true"),
    *('""', f'"{OUTSIDE}"', '"/etc/passwd"', '"\\u0000"', '"x"', f'"{"x" * 20_000}"', "[]", "{}"),
    *("[1, 1, 1]", "[[]]", "{ a = 1 }", "1979-05-27", '["check", "step"]', "[1e-320, 1e308]"),
    *(f"[{', '.join(map(str, range(3000)))}]", f"{'[' * DEEP}", f"{'[' * 500}{']' * 500}"),
)
MEMBERS = (
    *(OUTSIDE, f"plugins/../../{OUTSIDE}", "/tmp/outside", "..\\outside", "plugins/a/b.py"),
    *("plugins/mine.py", "plugins/.py", "plugins/" + "x" * 5000, "report.html", "a\0b", ""),
)
TEXTS = (
    *(b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n\n", b"{}", b"[]", b"null", b'"', b"NaN"),
    *(b"[" * DEEP, b'{"a":' * DEEP, b"(" * DEEP, b"-" * DEEP, b"9" * 5000, b"1e999"),
)


class _Asks:
    """Pickled, it asks its reader to run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {OUTSIDE}",)


PICKLES = (
    pickle.dumps(_Asks()),
    pickle.dumps({"data": _Asks(), "labels": [0]}),
    b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",  # bytes of a length that no file has
    b"\x80\x02" + b"(" * DEEP + b".",
    b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b".",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I99999999999\ntI0\ntR.",
    b"cbuiltins\neval\n(S'1'\ntR.",
)


OF_CIFAR = "data_batch_"


def damaged(name: str, content: bytes, random: Random) -> bytes:
    """Return a file's content with one thing wrong with it, of a kind that the file can have."""
    ways: list[Callable[[bytes, Random], bytes]] = [_bytes, _bytes]
    if name.endswith((".json", ".jsonl")):
        ways += [_json] * 6
    elif name.endswith(".toml"):
        ways += [_toml] * 6
    elif name.endswith((".pkl", ".pickle", "train", "test", "meta", "_batch")) or OF_CIFAR in name:
        ways.append(lambda content, random: random.choice(PICKLES))
    elif name.endswith(".zip") and zipfile.is_zipfile(io.BytesIO(content)):
        ways += [_pack] * 6
    return random.choice(ways)(content, random)


def _bytes(content: bytes, random: Random) -> bytes:
    """Flip, cut, repeat or add bytes anywhere."""
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    end = min(end, start + random.choice((1, 4, 40, 4000)))
    part = content[start:end]
    ways = (
        bytes(byte ^ (1 << random.randrange(8)) for byte in part),
        b"",
        part * random.choice((2, 50)),
        part + random.choice(TEXTS),
        random.randbytes(len(part)),
    )
    if random.random() < 0.1:
        return content[:start]
    return content[:start] + random.choice(ways) + content[end:]


def _json(content: bytes, random: Random) -> bytes:
    """Change a value, take one away or add one, at any depth of any line."""
    whole = content.startswith(b"{\n")
    lines = [content] if whole else content.splitlines()
    if not lines:
        return random.choice(TEXTS)
    place = random.randrange(len(lines))
    try:
        table = json.loads(lines[place])
    except (ValueError, RecursionError):
        return _bytes(content, random)
    _changed(table, random)
    lines[place] = json.dumps(table).encode()
    return b"\n".join([*lines, b""])


def _changed(table: Any, random: Random) -> None:
    keys = list(table) if isinstance(table, dict) else list(range(len(table)))
    if not keys:
        return
    key = random.choice(keys)
    if isinstance(table[key], dict | list) and table[key] and random.random() < 0.7:
        _changed(table[key], random)
    elif (way := random.random()) < 0.75:
        table[key] = random.choice(VALUES)
    elif way < 0.85:
        del table[key]
    elif isinstance(table, dict):
        table[str(random.choice(VALUES))[:2000]] = table[key]
    else:
        table.append(table[key])


def _pack(content: bytes, random: Random) -> bytes:
    """Damage a member and hash it anew, as malice would, or make it one that no pack may have."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            members = [(info, pack.read(info)) for info in pack.infolist()]
    except Exception:  # it has been damaged before
        return content[: random.randrange(len(content))]
    place = random.randrange(len(members))
    info, data = members[place]
    way = random.random()
    if way < 0.6:
        data = damaged(info.filename, data, random)
    elif way < 0.7:
        info.filename = random.choice(MEMBERS)
    elif way < 0.8:
        info.external_attr, data = (stat.S_IFLNK | 0o777) << 16, OUTSIDE.encode()
    elif way < 0.9:
        info.compress_type, data = zipfile.ZIP_DEFLATED, bytes(1 << 24)
    else:
        members.append((copy.copy(info), data))
    members[place] = info, data
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {i.filename}\n" for i, data in members[1:])
    if members[0][0].filename == SUMS and place > 0:
        members[0] = members[0][0], sums.encode("utf-8", "surrogateescape")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as pack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for info, data in members:
            pack.writestr(info, data, info.compress_type)
    return made.getvalue()


def _toml(content: bytes, random: Random) -> bytes:
    """Change a value, or take away, repeat or move a line."""
    lines = content.decode(errors="surrogateescape").splitlines()
    place = random.randrange(len(lines)) if lines else 0
    key, equals, _ = lines[place].partition(" = ") if lines else ("a", "", "")
    way = random.random()
    if equals and way < 0.7:
        lines[place] = f"{key} = {random.choice(TOML)}"
    elif way < 0.8:
        lines.insert(place, f"{random.choice(('a', 'rounds', 'sweep', 'claims'))} = {TOML[0]}")
    elif way < 0.9:
        lines += lines[place : place + 20]
    else:
        del lines[place : place + 1]
    return "\n".join([*lines, ""]).encode(errors="surrogateescape")
