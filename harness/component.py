"""A component: found by reading its file's source, imported only when it is used.

A component is a top-level class under one of the registry's decorators.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, ModuleMissing, UsageError

KINDS = ("baseline", "method", "workload", "problems", "study", "data")
FOLDERS = ("baselines", "methods", "suites")

NAME = re.compile(r"\w[\w.+-]{0,99}")
"""What suites, pairs and components may be named: words of the command line, folders of a run."""


@dataclass(frozen=True)
class Entry:
    """A component that can be loaded: what it is called, and where it stands."""

    kind: str
    name: str
    summary: str
    target: str  # "module:Class"; the module of a plugin is the path of its file
    owner: str
    peer: str | None = None
    """The distribution that does its work, as its source says it."""

    @property
    def is_ours(self) -> bool:
        """Tell whether it stands in this project, which knows how to install its peers."""
        return self.owner.partition("/")[0] in FOLDERS

    @property
    def peer_version(self) -> str | None:
        """Return the version of its peer that is installed, or nothing where there is none."""
        try:
            return importlib.metadata.version(self.peer) if self.peer else None
        except importlib.metadata.PackageNotFoundError:
            return None

    def load(self) -> Any:
        module, _, attribute = self.target.rpartition(":")
        try:
            loaded = (
                _load_file(Path(module))
                if module.endswith(".py")
                else importlib.import_module(module)
            )
        except (HarnessError, MemoryError):
            raise
        except ModuleNotFoundError as error:
            raise ModuleMissing(error.name, self.owner) from error
        except (Exception, SystemExit) as error:  # who exits here would pass for having finished
            said = (str(error).splitlines() or [""])[0]
            raise UsageError(
                f"{self.owner}: importing it failed: {type(error).__name__}: {said}. "
                f"Correct the file, or leave out {self.name!r}."
            ) from error
        if not hasattr(loaded, attribute):
            raise UsageError(
                f"{self.owner}: after its import, it has no class {attribute} for {self.name!r}. "
                "Keep the class, or leave out the file."
            )
        return getattr(loaded, attribute)


def read_components(path: Path, module: str, owner: str) -> Iterator[Entry]:
    """Yield the components of a file; the owner is whom its faults are told of."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{owner}: cannot be read: {error}. Correct the file, or leave it out."
        ) from None
    if not any(f"@{kind}(" in text or f".{kind}(" in text for kind in KINDS):
        return  # parsing every file of the project would cost more than the rest of a listing
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        why = getattr(error, "msg", None) or str(error) or "nested too deeply"
        raise UsageError(
            f"{owner}{f', line {line}' if line else ''}: not valid Python: {why}. "
            "Correct the file, or leave it out."
        ) from None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        for mark in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            function = mark.func if isinstance(mark, ast.Call) else mark
            kind = getattr(function, "id", getattr(function, "attr", None))
            if kind in KINDS and isinstance(node, ast.ClassDef):
                name = _literal_name(mark)
                if name is None:
                    raise UsageError(
                        f"{owner}, line {node.lineno}: @{kind} takes one literal name, of 1 to 100 "
                        f'letters, digits and the characters . _ + -. Write @{kind}("my_name").'
                    )
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                peer = _literal_peer(node, classes)
                yield Entry(kind, name, summary, f"{module}:{node.name}", owner, peer)


def _literal_name(mark: ast.expr) -> str | None:
    match mark:
        case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]) if NAME.fullmatch(name):
            return name
    return None


def _literal_peer(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> str | None:
    """Return what `peer` is set to in a class, or else in its bases in the same file."""
    for line in node.body:
        match line:
            case (
                ast.AnnAssign(target=ast.Name(id="peer"), value=ast.Constant(value=peer))
                | ast.Assign(targets=[ast.Name(id="peer")], value=ast.Constant(value=peer))
            ):
                return peer if isinstance(peer, str) else None
    others = {name: other for name, other in classes.items() if name != node.name}
    bases = (others.get(base.id) for base in node.bases if isinstance(base, ast.Name))
    peers = (_literal_peer(base, others) for base in bases if base is not None)
    return next(filter(None, peers), None)


def _load_file(path: Path) -> Any:
    # Plugins in two folders may be called alike.
    name = f"harness_plugin_{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None  # a .py file always has one
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]  # the next who asks must not find half a module
            raise
    return sys.modules[name]
