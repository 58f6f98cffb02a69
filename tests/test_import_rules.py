"""Who may know whom, as the code stands and as it is imported."""

from __future__ import annotations

import ast
import importlib.util
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.component import read_components
from tests.command import ROOT, python

OUTSIDE = ("baselines", "methods", "suites")
FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("harness", *OUTSIDE)
    for path in (ROOT / folder).rglob("*.py")
)
PEERS = tomllib.loads((ROOT / "baselines" / "peers.toml").read_text())
# Where a peer is not imported by the name it is installed by.
MODULES_OF = {
    "betty-ml": "betty",
    "boat-torch": "boat_torch",
    "parallel-metalearn": "metalearn",
}
OWNS = {MODULES_OF.get(peer, peer): peer for peer in PEERS}


def module_of(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[str]:
    """Yield every module that a file imports anywhere in it, by statement or by a literal name."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = file.parts[: len(file.parts) - node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            literal = node.args[0] if node.args else None
            if name in ("import_module", "__import__") and isinstance(literal, ast.Constant):
                yield str(literal.value)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def in_folder(*folders: str) -> list[Path]:
    chosen = [file for file in FILES if str(file).startswith(tuple(f"{f}/" for f in folders))]
    assert chosen
    return chosen


def test_what_a_file_imports_is_found_however_it_is_written(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "import a.b as c\nfrom d import e\ndef f():\n    from .g import h\n"
        "    import importlib\n    importlib.import_module('i.j')\n"
    )
    found = set(imported(file))
    assert {"a.b", "d", "d.e", "i.j"} <= found
    assert any(name.endswith(".g.h") for name in found)


@pytest.mark.parametrize("file", in_folder("harness"), ids=str)
def test_the_harness_knows_no_component_by_name(file):
    assert not [name for name in imported(file) if within(name, *OUTSIDE)]


STUDIES = [path.parent.name for path in (ROOT / "harness" / "studies").glob("*/__init__.py")]


@pytest.mark.parametrize("file", [f for f in in_folder("harness") if "studies" not in f.parts])
def test_the_spine_names_no_study(file: Path) -> None:
    assert STUDIES
    assert not [name for name in imported(file) if within(name, "harness.studies")]


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_knows_no_other(study: str) -> None:
    others = [f"harness.studies.{name}" for name in STUDIES if name != study]
    for file in in_folder(f"harness/studies/{study}"):
        assert not [name for name in imported(file) if within(name, *others)], file


METHODS = [
    module_of(file)
    for file in in_folder("methods")
    if any(True for _ in read_components(ROOT / file, module_of(file), str(file)))
]


@pytest.mark.parametrize("file", in_folder("methods", "suites", "baselines"), ids=str)
def test_no_method_is_imported_by_anything_beside_it(file):
    others = [name for name in METHODS if name != module_of(file)]
    assert METHODS
    assert not [name for name in imported(file) if within(name, *others)]


@pytest.mark.parametrize(
    "file", in_folder("harness/judge", "harness/report", "harness/exports"), ids=str
)
def test_judging_and_reporting_know_neither_measuring_nor_torch(file):
    assert not [name for name in imported(file) if within(name, "harness.measure", "torch")]


def measures(file: Path) -> bool:
    return any(within(name, "harness.measure", "torch") for name in imported(file))


@pytest.mark.parametrize("file", [f for f in in_folder("harness/studies") if measures(f)], ids=str)
def test_of_a_study_only_what_its_workers_load_knows_torch(file: Path) -> None:
    """It is measure.py, or something that only measure.py imports."""
    if file.name == "measure.py":
        return
    others = in_folder(str(file.parent))
    assert {f.name for f in others if module_of(file) in set(imported(f))} == {"measure.py"}


SHOWING = [
    *in_folder("harness/report"),
    *(
        file
        for file in in_folder("harness/studies")
        if any(within(name, "harness.report") for name in imported(file))
    ),
]


@pytest.mark.parametrize("file", SHOWING, ids=str)
def test_what_shows_computes_no_statistic(file):
    computing = ("statistics", "numpy", "scipy", "pandas")
    assert not [name for name in imported(file) if within(name, *computing)]


@pytest.mark.parametrize("file", in_folder("harness/measure"), ids=str)
def test_measuring_knows_nobody_who_judges(file):
    assert not [name for name in imported(file) if within(name, "harness.judge", "harness.report")]


@pytest.mark.parametrize("file", in_folder("harness/records"), ids=str)
def test_records_know_neither_those_who_write_nor_those_who_read_them(file):
    forbidden = ("harness.measure", "harness.judge", "harness.report", "torch")
    assert not [name for name in imported(file) if within(name, *forbidden)]


def modules_after(*code: str) -> list[str]:
    """Return what a fresh process has imported after the code."""
    lines = "\n".join([*code, "import json, sys", "print(json.dumps(sorted(sys.modules)))"])
    done = python("-c", lines)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_judging_and_reporting_import_no_torch_by_a_detour():
    torch_free = ("harness/judge", "harness/report", "harness/doctor", "harness/exports")
    chosen = [module_of(file) for file in in_folder(*torch_free)]
    chosen += [module_of(file) for file in in_folder("harness/studies") if not measures(file)]
    chosen += ["harness", "harness.cli", "harness.config", "harness.records.store"]
    loaded = modules_after(f"import {', '.join(chosen)}")
    assert "harness.report.write" in loaded
    assert not [name for name in loaded if within(name, "torch", "harness.measure", *OUTSIDE)]


def test_listing_imports_no_torch_and_nothing_else_that_takes_its_time():
    loaded = modules_after(
        "import contextlib, io",
        "from harness.cli import main",
        "with contextlib.redirect_stdout(io.StringIO()) as out:",
        "    assert main(['list', '--json']) == 0",
        "assert 'batched_maml' in out.getvalue()",
    )
    slow = ("torch", "numpy", "scipy", "pandas", "matplotlib", "hypothesis", "rich", "psutil")
    assert not [name for name in loaded if within(name, *slow, *OUTSIDE)]


def test_importing_the_harness_imports_nothing_else():
    assert not [name for name in modules_after("import harness") if within(name, "torch", "numpy")]


def peers_of(file: Path) -> set[str]:
    """Return the peers that a file imports, itself or by another of the baselines' files."""
    found, files, left = set(), {module_of(file): file for file in in_folder("baselines")}, [file]
    while left:
        names = set(imported(left.pop()))
        found |= {OWNS[name] for name in {name.partition(".")[0] for name in names} & set(OWNS)}
        left += [files.pop(name) for name in names & set(files)]
    return found


def with_what_it_imports(peer: str) -> set[str]:
    return {peer, *PEERS[peer].get("peers", ())}


ADAPTERS = [file for file in in_folder("baselines") if peers_of(file)]


@pytest.mark.parametrize("file", ADAPTERS, ids=str)
def test_an_adapter_names_one_peer_alone(file):
    assert any(peers_of(file) <= with_what_it_imports(peer) for peer in peers_of(file))


@pytest.mark.slow
@pytest.mark.parametrize("peer", sorted({peer for file in ADAPTERS for peer in peers_of(file)}))
def test_importing_a_peers_adapters_imports_no_other_peer(peer):
    name = next(name for name, owner in OWNS.items() if owner == peer)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{peer} is not installed")
    adapters = [module_of(file) for file in ADAPTERS if peer in peers_of(file)]
    loaded = modules_after(f"import {', '.join(adapters)}")
    found = {OWNS[name] for name in loaded if name in OWNS}
    assert peer in found
    assert any(found <= with_what_it_imports(main) for main in found)
