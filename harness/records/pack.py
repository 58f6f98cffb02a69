"""A pack: a run in one file, to be sent, checked and opened anywhere.

It is a zip of the manifest, the records, the verdicts and the plugins, with a table of their
SHA-256 hashes as `sha256sum -c` reads it. Members are stored uncompressed, in a fixed order and
without times: the same run gives the same bytes whatever zlib there is, and no member can unfold to
more than the file holds. Hashes show damage, not who made a pack; so no code in one is ever run.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.component import NAME
from harness.errors import StoreError, UsageError
from harness.records.lines import explained
from harness.records.store import MANIFEST, READABLE, RECORDS

SUMS, CLAIMS, PLUGINS = "SHA256SUMS", "claims.json", "plugins/"
REQUIRED = (SUMS, MANIFEST, RECORDS, CLAIMS)

LARGEST = 2**30  # bytes of a pack, and so of all its members
MOST_MEMBERS = 100

START = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold
_END = struct.Struct("<4s4H2LH")  # of a zip: how many members, and where they are listed

SENT = "Ask for the file again, or pack the run anew."


def is_pack(path: Path) -> bool:
    """Tell whether a path is a file that begins as a pack does."""
    if not path.is_file():
        return False
    with explained(str(path), READABLE), path.open("rb") as file:
        return file.read(4) == b"PK\3\4"


def packed(members: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a pack."""
    sums = "".join(f"{_hash(members[name])}  {name}\n" for name in sorted(members))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as pack:
        for name, data in ((SUMS, sums.encode()), *sorted(members.items())):
            info = zipfile.ZipInfo(name, START)
            info.create_system = 3  # of a Unix, on any machine
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            pack.writestr(info, data)
    return content.getvalue()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Yield a run's folder: the one that is named, or for a while what a pack holds."""
    if not is_pack(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="harness-pack-") as made:
        folder = Path(made)
        try:
            _unpack(path, folder)
            yield folder
        except UsageError as error:  # which names the folder that nobody will find
            raise StoreError(str(error).replace(str(folder), str(path))) from None


def _unpack(path: Path, folder: Path) -> None:
    """Write what a pack holds into a folder, if it is sound."""
    with explained(str(path), READABLE):
        _require_small(path)
        try:
            with zipfile.ZipFile(path) as pack:
                members = _members(pack, path)
                sums = _sums(pack.read(members[SUMS]), path)
                for name, info in members.items():
                    if name != SUMS:
                        _write(pack, info, folder / name, sums.pop(name, None), path)
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise StoreError(f"{path}: not a whole pack ({error}). {SENT}") from None
    if sums:
        raise StoreError(f"{path}: {SUMS} lists {next(iter(sums))!r}, which is missing. {SENT}")


def _require_small(path: Path) -> None:
    """Refuse what would need much memory before any of it is taken."""
    size = path.stat().st_size
    if size > LARGEST:
        raise StoreError(f"{path}: {size:,} bytes, but a pack may have {LARGEST:,} at most. {SENT}")
    with path.open("rb") as file:
        file.seek(-min(size, _END.size), io.SEEK_END)
        tail = file.read()
    mark, *_, count, listing, where, comment = _END.unpack(tail.rjust(_END.size, b"\0"))
    if mark != b"PK\5\6" or comment or where + listing + _END.size != size:
        raise StoreError(f"{path}: not a whole pack (it does not end as one). {SENT}")
    if count > MOST_MEMBERS:
        raise StoreError(
            f"{path}: {count:,} members, but a pack may have {MOST_MEMBERS} at most. {SENT}"
        )


def _members(pack: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, none of which may be what a pack does not hold."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in pack.infolist():
        if why := _refused(info):
            raise StoreError(f"{path}: the member {info.filename!r} {why}. {SENT}")
        if info.filename in members:
            raise StoreError(f"{path}: the member {info.filename!r} is there twice. {SENT}")
        members[info.filename] = info
    if (total := sum(info.file_size for info in members.values())) > path.stat().st_size:
        raise StoreError(f"{path}: its members claim {total:,} bytes, more than it holds. {SENT}")
    for name in REQUIRED:
        if name not in members:
            raise StoreError(f"{path}: not the pack of a run (it has no {name}). {SENT}")
    return members


def _refused(info: zipfile.ZipInfo) -> str | None:
    """Say why a member may not be unpacked, if it may not."""
    name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
    plugin = name.removeprefix(PLUGINS)
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        return "would be written outside of the run's folder"
    if kind not in (0, stat.S_IFREG):
        return "is a link or another thing that is no file"
    if name not in REQUIRED and not (name.startswith(PLUGINS) and NAME.fullmatch(plugin)):
        return f"is none that a pack has: {', '.join(REQUIRED)} and files in {PLUGINS}"
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        return "is compressed or encrypted, which members of a pack are not"
    if info.file_size != info.compress_size:
        return f"claims {info.file_size:,} bytes, but {info.compress_size:,} are there"
    return None


def _sums(text: bytes, path: Path) -> dict[str, str]:
    """Read the table of hashes."""
    lines = text.decode("utf-8", "replace").splitlines()
    parts = [line.partition("  ") for line in lines]
    if any(len(digest) != 64 or not name for digest, _, name in parts):
        raise StoreError(f"{path}: {SUMS} is not a table of hashes. {SENT}")
    return {name: digest for digest, _, name in parts}


def _write(
    pack: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, digest: str | None, path: Path
) -> None:
    """Write a member and hold it to its hash."""
    target.parent.mkdir(exist_ok=True)
    found = hashlib.sha256()
    with pack.open(info) as source, target.open("xb") as file:
        while piece := source.read(2**20):
            found.update(piece)
            file.write(piece)
    if digest is None:
        raise StoreError(f"{path}: {SUMS} has no hash of {info.filename}. {SENT}")
    if found.hexdigest() != digest:
        raise StoreError(
            f"{path}: {info.filename} is not what was packed: its SHA-256 hash is "
            f"{found.hexdigest()[:16]}…, and {SUMS} says {digest[:16]}…. {SENT}"
        )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
