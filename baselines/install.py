"""Install the peers by the recipes in peers.toml.

python -m baselines.install             every default peer
python -m baselines.install NAME ...    these, and the peers that they import
python -m baselines.install --list      what is wanted and what is there

A peer that is already there is left alone. Imports neither torch nor any peer.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.metadata
import importlib.resources
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from harness.errors import HarnessError, UnknownName, UsageError

HELD = ("torch", "numpy")
COMPILERS = {"c": ("C", "CC"), "c++": ("C++", "CXX")}
OUTPUT_LINES_SHOWN = 20


@dataclass(frozen=True)
class Recipe:
    """How one peer is installed. The fields are explained at the top of peers.toml."""

    name: str
    version: str
    use: str
    default: bool = True
    peers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    compiler: str | None = None

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Step:
    """One run of pip: the words after `pip install`, and the variables added to its environment."""

    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    compiler: str | None = None

    def __str__(self) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        return " ".join([*variables, "python -m pip install", shlex.join(self.args)])


@functools.cache
def recipes() -> Mapping[str, Recipe]:
    """Return every recipe by name, in the order of peers.toml."""
    text = importlib.resources.files("baselines").joinpath("peers.toml").read_text()
    return {
        name: Recipe(name, **{key: _frozen(value) for key, value in table.items()})
        for name, table in tomllib.loads(text).items()
    }


def recipe(peer: str) -> Recipe:
    """Return one peer's recipe."""
    try:
        return recipes()[peer]
    except KeyError:
        raise UnknownName(
            "peer", peer, recipes(), "`python -m baselines.install --list` describes them."
        ) from None


def installed(peer: str) -> str | None:
    """Return the version of a peer that is installed here, or None."""
    return _version(recipe(peer).name)


def steps(wanted: Recipe) -> list[Step]:
    """Return what is left to do for one peer: nothing if it and all that it needs are there.

    A peer comes after its needs, and always with --no-deps: whatever its metadata asks for, it
    cannot bring a torch of its own.
    """
    missing = [need for need in wanted.needs if not _satisfied(need)]
    if _satisfied(wanted.requirement):
        return [Step(tuple(missing))] if missing else []
    missing += [tool for tool in wanted.build if not _satisfied(tool)]
    own = Step(("--no-deps", *wanted.options, wanted.requirement), wanted.env, wanted.compiler)
    return [Step(tuple(missing)), own] if missing else [own]


def install(names: Sequence[str] = ()) -> None:
    """Install these peers and the peers that they import; without names, every default peer."""
    chosen = [recipe(name) for name in names] or [r for r in recipes().values() if r.default]
    for wanted in _with_imported(chosen):
        todo = steps(wanted)
        if todo:
            _carry_out(wanted, todo)
        else:
            print(f"{wanted.name} {wanted.version}: already installed")


def listing() -> str:
    """Return a table of the peers: the version wanted, the version installed, the use."""
    rows = [("peer", "wanted", "installed", "for")]
    for entry in recipes().values():
        asked = "" if entry.default else " (only when asked for)"
        rows.append((entry.name, entry.version, installed(entry.name) or "-", entry.use + asked))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _with_imported(chosen: Iterable[Recipe]) -> Iterator[Recipe]:
    """Yield every recipe once, each after the peers that it imports."""
    done: set[str] = set()

    def visit(entry: Recipe) -> Iterator[Recipe]:
        if entry.name not in done:
            done.add(entry.name)
            for name in entry.peers:
                yield from visit(recipe(name))
            yield entry

    for entry in chosen:
        yield from visit(entry)


def _carry_out(wanted: Recipe, todo: Sequence[Step]) -> None:
    for compiler in filter(None, (step.compiler for step in todo)):
        _require_compiler(wanted, *COMPILERS[compiler])
    with _held_versions() as constraints:
        how = " (built from source: from half a minute to a few)" if wanted.compiler else ""
        print(f"{wanted.name} {wanted.version}: installing{how}", flush=True)
        start = time.perf_counter()
        for step in todo:
            _pip(wanted, step, constraints)
    print(f"{wanted.name} {wanted.version}: installed in {time.perf_counter() - start:.0f} s")


def _pip(wanted: Recipe, step: Step, constraints: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--constraint", str(constraints), *step.args]
    # Without isolation a build looks for its tools (cython, cmake) beside the interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": path, **step.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    importlib.invalidate_caches()
    if done.returncode != 0:
        last = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-OUTPUT_LINES_SHOWN:])
        raise HarnessError(
            f"pip could not install {wanted.name} {wanted.version} (exit code {done.returncode}).\n"
            f"  command: {step}\n  end of its output:\n{last}\n"
            f"Correct what it names, then repeat: python -m baselines.install {wanted.name}"
        )


@contextmanager
def _held_versions() -> Iterator[Path]:
    """Write a constraints file that ties pip to the torch and the NumPy that are installed."""
    versions = {name: _version(name) for name in HELD}
    for name, version in versions.items():
        if version is None:
            raise UsageError(
                f"{name} is not installed, and peers are installed after it. "
                "Install the harness first: python -m pip install -e ."
            )
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "held.txt")
        constraints.write_text("".join(f"{name}=={held}\n" for name, held in versions.items()))
        yield constraints


def _require_compiler(wanted: Recipe, language: str, variable: str) -> None:
    command = os.environ.get(variable) or sysconfig.get_config_var(variable) or "cc"
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        raise UsageError(
            f"{wanted.name} is built from source, and its {language} compiler {program!r} is not "
            f"on the PATH. Install one (gcc or clang), or name yours in the variable {variable}."
        )
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        raise UsageError(
            f"{wanted.name} is built from source, and Python's header {header} is missing. "
            "Install the Python development files (on Debian: python3-dev)."
        )


def _satisfied(requirement: str) -> bool:
    wanted = Requirement(requirement)
    found = _version(wanted.name)
    return found is not None and wanted.specifier.contains(found, prereleases=True)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m baselines.install",
        description="Install the published libraries that ours are compared with.",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="a peer (default: all usual ones)")
    parser.add_argument("--list", action="store_true", help="show the peers and their versions")
    options = parser.parse_args(arguments)
    try:
        if options.list:
            print(listing())
        else:
            install(options.names)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
