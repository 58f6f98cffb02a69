"""What the harness itself brings, without plugins: its studies, and the passes of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from harness.component import read_components
from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.errors import UsageError
from harness.records.seen import SPINE
from harness.registry import ROOT, STUDIES


def builtin_studies() -> tuple[Study, ...]:
    """Return the faces of the studies in the harness's own folder."""
    found = []
    for path in sorted((ROOT / STUDIES).glob("*/__init__.py")):
        name = path.parent.name
        for entry in read_components(path, f"harness.studies.{name}", f"{STUDIES}/{name}"):
            found.append(entry.load()())
    return tuple(found)


def passes_of(studies: Iterable[Study]) -> dict[str, Pass[Seen]]:
    found = {each.name: each for each in SPINE}
    for face in studies:
        for each in face.passes:
            if each.name in found:
                raise UsageError(
                    f"study {face.name}: another pass is named {each.name!r} too. Rename one."
                )
            found[each.name] = each
    return found


@cache
def builtin_passes() -> Mapping[str, Pass[Seen]]:
    """Return the passes of the harness itself, without those that plugins bring."""
    return MappingProxyType(passes_of(builtin_studies()))
