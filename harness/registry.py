"""Names to components, found by reading source and loaded only when used.

A component is a top-level class under one of the decorators below. Its file is parsed, never
imported, to learn its name and summary, so listing costs no import of torch. Components come from
the project's own folders, from the modules that installed packages announce under the entry point
group ``harness.components``, and from single files named on the command line (``plugin=``).
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UnknownName, UsageError

KINDS = ("baseline", "method", "workload", "problems")
ENTRY_POINTS = "harness.components"
FOLDERS = ("baselines", "methods", "suites")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Entry:
    """A component that can be loaded: what it is called, and where it stands."""

    kind: str
    name: str
    summary: str
    target: str  # "module:Class"; the module of a plugin is the path of its file
    owner: str

    def load(self) -> Any:
        module, _, attribute = self.target.partition(":")
        loaded = _load_file(Path(module)) if module.endswith(".py") else importlib.import_module(module)
        return getattr(loaded, attribute)


class Registry:
    """Every component that can be named, by kind."""

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self.faults: list[str] = []  # plugins that could not be read: reported, never fatal
        for folder in FOLDERS:
            for path in sorted((ROOT / folder).glob("*.py")):
                self._add(_scan(path, f"{folder}.{path.stem}", owner=f"{folder}/{path.name}"))
        for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
            try:
                spec = importlib.util.find_spec(point.value)
                self._add(_scan(Path(spec.origin), point.value, owner=point.value))  # type: ignore[union-attr, arg-type]  # a missing origin lands in the fault below
            except Exception as error:
                self.faults.append(f"entry point {point.name} = {point.value}: {error}")
        for plugin in plugins:
            path = Path(plugin)
            if path.suffix != ".py" or not path.is_file():
                raise UsageError(f"plugin={plugin}: no such Python file. Name an existing .py file.")
            found = list(_scan(path, str(path.resolve()), owner=path.name))
            if not found:
                raise UsageError(
                    f"plugin={plugin}: no component in it. Put @baseline, @method, @workload or "
                    "@problems with a literal name over a top-level class."
                )
            self._add(iter(found))

    def _add(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            key = ("learner" if entry.kind in ("baseline", "method") else entry.kind, entry.name)
            if key in self._entries:
                raise UsageError(
                    f"two components are called {entry.name!r}: one in {self._entries[key].owner}, "
                    f"one in {entry.owner}. Rename either."
                )
            self._entries[key] = entry

    def entries(self, kind: str) -> list[Entry]:
        return sorted((e for e in self._entries.values() if e.kind == kind), key=lambda e: e.name)

    def find(self, name: str, *kinds: str) -> Entry:
        """Return the entry of that name among these kinds, or say what there is."""
        candidates = {e.name: e for kind in kinds for e in self.entries(kind)}
        if name not in candidates:
            raise UnknownName(" or ".join(kinds), name, candidates, "See: python -m harness list")
        return candidates[name]


def _scan(path: Path, module: str, owner: str) -> Iterator[Entry]:
    text = path.read_text(encoding="utf-8")
    if not any(f"@{kind}(" in text or f".{kind}(" in text for kind in KINDS):
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise UsageError(f"{owner}, line {error.lineno}: not valid Python: {error.msg}") from None
    for node in tree.body:
        for mark in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            kind = getattr(getattr(mark, "func", None), "id", getattr(getattr(mark, "func", None), "attr", ""))
            if kind not in KINDS or not isinstance(mark, ast.Call):
                continue
            if not (len(mark.args) == 1 and isinstance(mark.args[0], ast.Constant)):
                raise UsageError(f"{owner}, line {node.lineno}: @{kind} takes one literal name.")
            summary = (ast.get_docstring(node) or "").partition("\n")[0]  # type: ignore[arg-type]  # a ClassDef, checked above
            yield Entry(kind, str(mark.args[0].value), summary, f"{module}:{node.name}", owner)  # type: ignore[attr-defined]


def _load_file(path: Path) -> Any:
    name = f"harness_plugin_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # a .py file always has a loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def _mark(kind: str) -> Callable[[str], Callable[[type], type]]:
    def decorator(name: str) -> Callable[[type], type]:
        def register(cls: type) -> type:
            cls.name, cls.kind = name, kind  # type: ignore[attr-defined]  # what the class is called in every record
            return cls

        return register

    return decorator


baseline, method, workload, problems = (_mark(kind) for kind in KINDS)
