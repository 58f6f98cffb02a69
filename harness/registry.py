"""Names to components, found by reading source and loaded only when used.

Listing imports none of them, so it costs no import of torch. Components come from the project's own
folders, from the modules that installed packages announce under the entry point group
``harness.components``, and from single files named on the command line (``plugin=``).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.component import FOLDERS, KINDS, Entry, read_components
from harness.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from harness.declare.passes import Pass, Seen
    from harness.declare.study import Study

__all__ = [
    "ROOT",
    "Entry",
    "Registry",
    "baseline",
    "data",
    "method",
    "problems",
    "study",
    "workload",
]

ENTRY_POINTS = "harness.components"
ROOT = Path(__file__).parents[1]
STUDIES = "harness/studies"


class Registry:
    """Every component that can be named, by kind."""

    def __init__(self, plugins: tuple[str, ...] = (), root: Path = ROOT) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self.faults: list[str] = []  # entry points that could not be read: reported, never fatal
        for folder in FOLDERS:
            for path in sorted((root / folder).glob("*.py")):
                self._read(path, f"{folder}.{path.stem}", owner=f"{folder}/{path.name}")
        for path in sorted((root / STUDIES).glob("*/__init__.py")):
            name = path.parent.name
            self._read(path, f"harness.studies.{name}", owner=f"{STUDIES}/{name}")
        for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
            try:
                self._read(_source_of(point.module), point.module, owner=point.module)
            except (Exception, SystemExit) as error:  # looking for a submodule runs its package
                self.faults.append(f"entry point {point.name} = {point.value}: {error}")
        for plugin in plugins:
            path = Path(plugin)
            if path.suffix != ".py" or not path.is_file():
                raise UsageError(
                    f"plugin={plugin}: no such Python file. Give the path of a .py file."
                )
            if not self._read(path, str(path.resolve()), owner=path.name):
                raise UsageError(
                    f"plugin={plugin}: it has no component. Put @baseline, @method, @workload, "
                    "@problems or @study with a literal name over a top-level class."
                )

    def _read(self, path: Path, module: str, owner: str) -> int:
        """Add a file's components and return how many there are."""
        entries = list(read_components(path, module, owner))
        for entry in entries:
            key = ("learner" if entry.kind in ("baseline", "method") else entry.kind, entry.name)
            if key in self._entries:
                raise UsageError(
                    f"two components are named {entry.name!r}: one in {self._entries[key].owner}, "
                    f"one in {entry.owner}. Rename one."
                )
            self._entries[key] = entry
        return len(entries)

    def entries(self, kind: str) -> list[Entry]:
        return sorted((e for e in self._entries.values() if e.kind == kind), key=lambda e: e.name)

    def find(self, name: str, *kinds: str) -> Entry:
        """Return the entry of that name among these kinds, or say what there is."""
        candidates = {e.name: e for kind in kinds for e in self.entries(kind)}
        if name not in candidates:
            faults = "".join(f" Left out: {fault}." for fault in self.faults)
            next_step = f"See: python -m harness list.{faults}"
            raise UnknownName(" or ".join(kinds), name, candidates, next_step)
        return candidates[name]

    @cached_property
    def studies(self) -> tuple[Study, ...]:
        """The faces of all studies, by name; what they measure joins the table of measures."""
        from harness.declare.measures import MEASURES

        faces = tuple(entry.load()() for entry in self.entries("study"))
        for each in faces:
            MEASURES.add(each.measures)
        return faces

    def whole(self) -> Registry:
        """Return the registry with the studies loaded: claims are about what they measure."""
        _ = self.studies
        return self

    @cached_property
    def passes(self) -> dict[str, Pass[Seen]]:
        """All passes by name: the spine's in their order, then those of studies."""
        from harness.builtin import passes_of

        return passes_of(self.studies)

    def pass_named(self, name: str) -> Pass[Seen]:
        if name not in self.passes:
            raise UnknownName("pass", name, self.passes)
        return self.passes[name]

    def study_of(self, known: Pass[Seen]) -> Study | None:
        """Return the study that brings a pass; none brings the spine's."""
        return self._bringing.get(known.name)

    @cached_property
    def _bringing(self) -> dict[str, Study]:
        return {known.name: each for each in self.studies for known in each.passes}


def _source_of(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not (spec.origin or "").endswith(".py"):
        raise UsageError(f"module {module!r} has no Python file")
    return Path(str(spec.origin))


def _mark(kind: str) -> Callable[[str], Callable[[type], type]]:
    def decorator(name: str) -> Callable[[type], type]:
        def register(cls: type) -> type:
            cls.name, cls.kind = name, kind  # type: ignore[attr-defined]  # what records call it
            return cls

        return register

    return decorator


baseline, method, workload, problems, study, data = (_mark(kind) for kind in KINDS)
