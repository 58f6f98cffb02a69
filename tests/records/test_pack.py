"""A pack holds a run, whole and the same each time; what is no sound pack is never unpacked."""

from __future__ import annotations

import io
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.cli import main
from harness.errors import StoreError
from harness.records import pack as module
from harness.records.manifest import hashes_of
from harness.records.pack import CLAIMS, REQUIRED, SUMS, is_pack, opened, packed
from harness.records.store import MANIFEST, RECORDS
from tests.cli.own import METHOD
from tests.records.made import FIXTURE

MEMBERS = {
    MANIFEST: (FIXTURE / MANIFEST).read_bytes(),
    RECORDS: (FIXTURE / RECORDS).read_bytes(),
    CLAIMS: b"{}",
}


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """Return the folder of a run, in the folder that commands are started in."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(FIXTURE, "run"))


def edited(edit: Callable[[zipfile.ZipInfo], None], name: str = RECORDS) -> bytes:
    """Return a pack with something else said of one of its members."""
    content = io.BytesIO(packed(MEMBERS))
    with zipfile.ZipFile(content, "a") as pack:
        edit(pack.getinfo(name))
        pack._didModify = True  # so that the list of members is written anew
    return content.getvalue()


def with_member(name: str, data: bytes = b"", **about: int) -> bytes:
    """Return a pack with a member more, whose hash is right."""
    content = io.BytesIO(packed(MEMBERS | {name: data}))
    with zipfile.ZipFile(content, "a") as pack:
        for key, value in about.items():
            setattr(pack.getinfo(name), key, value)
        pack._didModify = True
    return content.getvalue()


def compressed() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in REQUIRED:
            pack.writestr(name, b"0" * 100_000)
    return content.getvalue()


def twice() -> bytes:
    content = io.BytesIO(packed(MEMBERS))
    with zipfile.ZipFile(content, "a") as pack, pytest.warns(UserWarning, match="Duplicate"):
        pack.writestr(RECORDS, b"")
    return content.getvalue()


def without(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as pack:
        for each in (each for each in REQUIRED if each != name):
            pack.writestr(each, b"")
    return content.getvalue()


def swapped(name: str, data: bytes, sums: bytes | None = None) -> bytes:
    """Return a pack with another member than the one that was hashed."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed(MEMBERS))) as old, zipfile.ZipFile(content, "w") as new:
        for each in old.namelist():
            told = sums if sums is not None and each == SUMS else old.read(each)
            new.writestr(each, data if each == name else told)
    return content.getvalue()


LINK = (stat.S_IFLNK | 0o777) << 16

UNSOUND = {
    "an escape": (with_member("../evil"), "'../evil' would be written outside"),
    "an absolute path": (with_member("/evil"), "'/evil' would be written outside"),
    "a deep escape": (with_member("plugins/../../evil"), "would be written outside"),
    "a stranger": (with_member("evil.sh"), "'evil.sh' is none that a pack has"),
    "a folder": (with_member("plugins/"), "'plugins/' is none that a pack has"),
    "a link": (with_member("plugins/a.py", b"/etc/passwd", external_attr=LINK), "is a link"),
    "compression": (compressed(), "is compressed or encrypted"),
    "encryption": (edited(lambda info: setattr(info, "flag_bits", 1)), "is compressed or encr"),
    "a claim to be huge": (
        edited(lambda info: setattr(info, "file_size", 2**40)),
        "claims 1,099,511,627,776 bytes, but",
    ),
    "huge overlaps": (
        edited(lambda i: (setattr(i, "file_size", 10**9), setattr(i, "compress_size", 10**9))),
        "more than it holds",
    ),
    "a member twice": (twice(), "'records.jsonl' is there twice"),
    "too many members": (
        packed(MEMBERS | {f"plugins/{number}.py": b"" for number in range(100)}),
        "104 members, but a pack may have 100 at most",
    ),
    "no manifest": (without(MANIFEST), "not the pack of a run (it has no manifest.json)"),
    "no hashes": (without(SUMS), "it has no SHA256SUMS"),
    "other records": (swapped(RECORDS, b"{}"), "records.jsonl is not what was packed"),
    "a hash of nothing": (
        swapped("", b"", f"{'0' * 64}  gone\n".encode()),
        "SHA256SUMS has no hash of claims.json",
    ),
    "no table": (swapped(SUMS, b"\xff\n"), "SHA256SUMS is not a table of hashes"),
    "half of it": (packed(MEMBERS)[: 3 * len(packed(MEMBERS)) // 4], "not a whole pack"),
    "a name that is no text": (
        with_member("plugins/\u00e9.py").replace("\u00e9".encode(), b"\xff\xff"),
        "not a whole pack",
    ),
    "something behind it": (packed(MEMBERS) + b"more", "not a whole pack (it does not end as one)"),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_what_is_not_sound_is_refused_and_nothing_of_it_stays(what, tmp_path, monkeypatch, capsys):
    content, said = UNSOUND[what]
    inside = tmp_path / "where" / "temporary" / "folders" / "are"
    inside.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(inside))
    path = tmp_path / "sent.zip"
    path.write_bytes(content)
    assert main(["explain", str(path)]) == 2
    shown = capsys.readouterr()
    assert f"{path}: " in shown.err
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert {p.name for p in tmp_path.rglob("*")} == {
        *("sent.zip", "where", "temporary", "folders", "are")
    }


def test_one_that_is_too_large_is_not_even_listed(tmp_path, monkeypatch):
    (tmp_path / "sent.zip").write_bytes(packed(MEMBERS))
    monkeypatch.setattr(module, "LARGEST", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with (
        pytest.raises(StoreError, match="but a pack may have 100 at most"),
        opened(tmp_path / "sent.zip"),
    ):
        pass


def test_damage_inside_a_pack_is_told_of_the_pack(tmp_path):
    (tmp_path / "sent.zip").write_bytes(packed(MEMBERS | {MANIFEST: b"{"}))
    with pytest.raises(StoreError, match=r"sent\.zip/manifest\.json: not valid JSON"):
        harness.open_run(tmp_path / "sent.zip")


def test_the_same_run_gives_the_same_bytes_with_the_verdicts_of_today(run, capsys):
    (run / CLAIMS).write_text("of another day")
    assert main(["pack", "run"]) == 0
    assert main(["pack", "run", "out=again.zip"]) == 0
    assert capsys.readouterr().out == "pack: run.zip\npack: again.zip\n"
    first = Path("run.zip").read_bytes()
    assert Path("again.zip").read_bytes() == first
    assert is_pack(Path("run.zip"))
    with zipfile.ZipFile("run.zip") as pack:
        assert sorted(pack.namelist()) == sorted(REQUIRED)
        assert pack.read(RECORDS) == (run / RECORDS).read_bytes()
        assert json.loads(pack.read(CLAIMS))["suite"] == "tiny"


def test_it_is_read_wherever_a_folder_is(run, capsys):
    assert main(["pack", "run"]) == 0
    capsys.readouterr()
    assert harness.open_run("run.zip").records == harness.open_run("run").records
    for words in (["explain", "run"], ["explain", "run", "batched", "step_time"]):
        shown = []
        for path in ("run", "run.zip"):
            assert main([*words[:1], path, *words[2:]]) == 0
            shown.append(capsys.readouterr().out.replace("run.zip", "run"))
        assert shown[0] == shown[1]
    assert main(["compare", "run", "run.zip"]) == main(["compare", "run", "run"])
    assert main(["export", "run.zip", "format=bencher"]) == 0
    assert Path("run-report/bencher.json").is_file()


def test_its_report_goes_beside_it(run, capsys):
    assert main(["pack", "run"]) == 0
    assert main(["report", "run.zip"]) == 0
    assert capsys.readouterr().out.endswith(
        "report: run-report/report.pdf and report.html beside it\n"
    )
    with zipfile.ZipFile("run.zip") as pack:
        assert Path("run-report/claims.json").read_bytes() == pack.read(CLAIMS)


class TestPlugins:
    @pytest.fixture
    def plugin(self, run) -> Path:
        """Return the plugin that the run was made with."""
        plugin = Path("mine.py")
        plugin.write_text(METHOD.format(name="mine"))
        about = json.loads((run / MANIFEST).read_text())
        about |= {"plugins": ["mine.py"], "plugin_hashes": hashes_of(["mine.py"])}
        (run / MANIFEST).write_text(json.dumps(about))
        return plugin

    def test_are_packed_as_they_were_and_never_run(self, plugin):
        assert main(["pack", "run", "plugin=mine.py"]) == 0
        with zipfile.ZipFile("run.zip") as pack:
            assert pack.read("plugins/mine.py") == plugin.read_bytes()
        assert "mine" not in {
            e.name for e in harness.open_run("run.zip").registry.entries("method")
        }

    def test_must_be_given(self, plugin, capsys):
        assert main(["pack", "run"]) == 2
        assert "run: this run used plugin=mine.py. Give it again." in capsys.readouterr().err

    def test_must_not_have_changed(self, plugin, capsys):
        plugin.write_text(METHOD.format(name="other"))
        assert main(["pack", "run", "plugin=mine.py"]) == 2
        assert "or they have changed since" in capsys.readouterr().err


def test_a_pack_is_not_packed_again(run, capsys):
    assert main(["pack", "run"]) == 0
    assert main(["pack", "run.zip"]) == 2
    assert "run.zip: a pack already. Name the folder of a run." in capsys.readouterr().err
