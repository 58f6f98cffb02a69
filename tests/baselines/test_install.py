from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from baselines import install as installer
from baselines.install import Recipe, install, installed, listing, main, recipe, recipes, steps
from harness.errors import HarnessError, UnknownName, UsageError

Wheel = Callable[..., None]


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recipe]:
    """Replace the recipes of peers.toml by those that a test puts in."""
    mine: dict[str, Recipe] = {}
    monkeypatch.setattr(installer, "recipes", lambda: mine)
    return mine


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """Return a maker of tiny wheels; pip sees no others, and installs into a folder of the test."""
    shelf, site = tmp_path / "shelf", tmp_path / "site"
    shelf.mkdir()
    site.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_TARGET", str(site))
    monkeypatch.syspath_prepend(str(site))

    def make(name: str, version: str, requires: str = "") -> None:
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if requires:
            metadata += f"Requires-Dist: {requires}\n"
        tags = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        with zipfile.ZipFile(shelf / f"{name}-{version}-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{name}.py", "")
            archive.writestr(f"{info}/METADATA", metadata)
            archive.writestr(f"{info}/WHEEL", tags)
            archive.writestr(f"{info}/RECORD", "")

    return make


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a process was started: {args}")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.mark.parametrize("name", list(recipes()))
def test_every_peer_is_pinned_and_names_only_what_exists(name: str) -> None:
    entry = recipe(name)
    assert str(Requirement(entry.requirement).specifier) == f"=={entry.version}"
    assert entry.use
    assert set(entry.peers) < set(recipes())
    for word in (*entry.needs, *entry.build):
        assert Requirement(word).name not in {"torch", "numpy", *recipes()}
    assert entry.compiler in (None, *installer.COMPILERS)


@pytest.mark.parametrize("name", list(recipes()))
def test_every_peer_is_installed_last_and_without_its_declared_dependencies(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "_version", lambda distribution: None)
    *before, own = steps(recipe(name))
    assert own.args[0] == "--no-deps"
    assert own.args[-1] == recipe(name).requirement
    assert [word for step in before for word in step.args] == [
        *recipe(name).needs,
        *recipe(name).build,
    ]


def test_all_peers_but_horovod_are_installed_by_default() -> None:
    assert [name for name, entry in recipes().items() if not entry.default] == ["horovod"]


def test_an_unknown_peer_is_refused_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UnknownName, match="did you mean 'learn2learn'"):
        recipe("learn2lern")
    with pytest.raises(UnknownName):
        installed("learn2lern")
    assert main(["learn2lern"]) == 2
    assert "Allowed: betty-ml, boat-torch, higher" in capsys.readouterr().err


def test_a_peer_cannot_bring_the_torch_that_its_metadata_asks_for(
    wheel: Wheel, peers: dict[str, Recipe], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel("oldpeer", "1.2", requires="torch==0.0.1")
    wheel("torch", "0.0.1")
    peers["oldpeer"] = Recipe("oldpeer", "1.2", "a test")
    assert installed("oldpeer") is None
    install()
    assert installed("oldpeer") == "1.2"
    assert not (tmp_path / "site" / "torch.py").exists()
    assert "oldpeer 1.2: installed in" in capsys.readouterr().out


def test_a_need_that_would_replace_torch_fails_with_the_command_and_the_words_of_pip(
    wheel: Wheel, peers: dict[str, Recipe], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel("needy", "1.0", requires="torch==0.0.1")
    wheel("torch", "0.0.1")
    peers["peer"] = Recipe("peer", "1.0", "a test", needs=("needy>=1",))
    with pytest.raises(HarnessError) as failure:
        install(["peer"])
    assert "command: python -m pip install 'needy>=1'" in str(failure.value)
    assert "needy 1.0 depends on torch==0.0.1" in str(failure.value)
    assert not (tmp_path / "site" / "torch.py").exists()
    assert main(["peer"]) == 1
    assert "could not install peer 1.0" in capsys.readouterr().err


def test_a_failing_command_is_shown_with_its_variables(
    wheel: Wheel, peers: dict[str, Recipe]
) -> None:
    peers["absent"] = Recipe("absent", "1.0", "a test", options=("--pre",), env={"SOME": "a b"})
    expected = "SOME='a b' python -m pip install --no-deps --pre absent==1.0"
    with pytest.raises(HarnessError, match=expected):
        install()


def test_peers_that_are_imported_come_first_and_once(
    wheel: Wheel, peers: dict[str, Recipe], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("low", "left", "right"):
        wheel(name, "1.0")
    peers["left"] = Recipe("left", "1.0", "a test", peers=("low",))
    peers["right"] = Recipe("right", "1.0", "a test", peers=("low",))
    peers["low"] = Recipe("low", "1.0", "a test", default=False)
    install(["left", "right"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "installed in" in line]
    assert [line.split()[0] for line in lines] == ["low", "left", "right"]


@pytest.mark.usefixtures("no_pip")
def test_what_is_there_is_left_alone(
    peers: dict[str, Recipe], capsys: pytest.CaptureFixture[str]
) -> None:
    version = version_here("packaging")
    peers["packaging"] = Recipe(
        "packaging", version, "a test", needs=("pytest>=8",), build=("absent",), compiler="c"
    )
    install()
    assert capsys.readouterr().out == f"packaging {version}: already installed\n"


def test_another_version_or_a_missing_need_is_put_right(peers: dict[str, Recipe]) -> None:
    version = version_here("packaging")
    outdated = Recipe("packaging", "0.1", "a test", build=("absent",), env={"A": "1"})
    assert [step.args for step in steps(outdated)] == [
        ("absent",),
        ("--no-deps", "packaging==0.1"),
    ]
    assert [dict(step.env) for step in steps(outdated)] == [{}, {"A": "1"}]
    incomplete = Recipe("packaging", version, "a test", needs=("absent>1", "pytest>=8"))
    assert [step.args for step in steps(incomplete)] == [("absent>1",)]


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize(("language", "variable"), [("c", "CC"), ("c++", "CXX")])
def test_a_missing_compiler_is_named_before_anything_is_installed(
    peers: dict[str, Recipe], monkeypatch: pytest.MonkeyPatch, language: str, variable: str
) -> None:
    peers["built"] = Recipe("built", "1.0", "a test", needs=("absent",), compiler=language)
    monkeypatch.setenv(variable, "no-such-compiler -O2")
    with pytest.raises(UsageError, match=f"'no-such-compiler'.*name yours in.*{variable}"):
        install()


@pytest.mark.usefixtures("no_pip")
def test_missing_headers_of_python_are_named(
    peers: dict[str, Recipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    peers["built"] = Recipe("built", "1.0", "a test", compiler="c")
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match=r"Python\.h is missing.*python3-dev"):
        install()


@pytest.mark.usefixtures("no_pip")
def test_nothing_is_installed_before_torch(
    peers: dict[str, Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    peers["early"] = Recipe("early", "1.0", "a test")
    monkeypatch.setattr(installer, "_version", lambda distribution: None)
    with pytest.raises(UsageError, match=r"torch is not installed.*Install the harness first"):
        install()


def test_the_list_shows_wanted_and_installed_versions(
    peers: dict[str, Recipe], capsys: pytest.CaptureFixture[str]
) -> None:
    peers["packaging"] = Recipe("packaging", "0.1", "parsing")
    peers["absent"] = Recipe("absent", "1.0", "nothing", default=False)
    assert main(["--list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["peer", "wanted", "installed", "for"]
    assert rows[1] == ["packaging", "0.1", version_here("packaging"), "parsing"]
    assert rows[2] == ["absent", "1.0", "-", "nothing", "(only", "when", "asked", "for)"]
    assert listing().count("\n") == 2


def test_neither_torch_nor_a_peer_is_imported() -> None:
    code = (
        "import sys, baselines.install as installer; installer.listing();"
        "print(sorted({'torch', 'numpy', 'learn2learn', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_installed_peers_import_side_by_side() -> None:
    missing = [name for name, entry in recipes().items() if entry.default and not installed(name)]
    assert not missing, "run: python -m baselines.install"
    # torchmeta only imports through its adapter, which has tests of its own.
    code = (
        "import torchvision, learn2learn, higher, torchopt, betty.problems, betty.engine, "
        "metalearn.algorithms, boat_torch"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)


def version_here(distribution: str) -> str:
    """Return the version of a package that is certainly here."""
    version = installer._version(distribution)
    assert version is not None
    return version
