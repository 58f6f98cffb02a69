"""Checkouts: what they hold, that they go again, and what is said when they can't be made."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import UnknownName, UsageError
from harness.gate.checkout import Repository
from tests.command import ROOT


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "file").write_text("first")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "The first")
    git(folder, "tag", "v1")
    (folder / "file").write_text("second")
    git(folder, "commit", "-qam", "The second")
    return folder


def test_a_checkout_holds_its_commit_and_is_gone_afterwards(project: Path):
    repository = Repository(project)
    revision = repository.revision("v1")
    assert revision.commit is not None
    with repository.checked_out(revision.commit) as tree:
        assert (tree / "file").read_text() == "first"
    assert not tree.exists()
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_checkout_goes_when_what_it_was_for_fails(project: Path):
    repository = Repository(project)
    with pytest.raises(KeyboardInterrupt), repository.checked_out("v1") as tree:
        raise KeyboardInterrupt
    assert not tree.parent.exists()


KILLED = """
import sys, time
from pathlib import Path
from harness.gate.checkout import Repository

with Repository(Path(sys.argv[1])).checked_out("v1") as tree:
    print(tree, flush=True)
    time.sleep(100)
"""


def test_what_a_killed_gate_left_is_removed_and_what_a_running_one_uses_stays(project: Path):
    other = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(project)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": tempfile.gettempdir()},
    )
    with other:
        assert other.stdout is not None
        tree = Path(other.stdout.readline().strip())
        with Repository(project).checked_out("v1"):
            assert (tree / "file").is_file()  # it is still in use
        other.kill()
    assert (tree / "file").is_file()
    with Repository(project).checked_out("v1"):
        assert not tree.parent.exists()
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_many_gates_check_out_at_once(project: Path):
    def once(_: int) -> str:
        with Repository(project).checked_out("v1") as tree:
            return (tree / "file").read_text()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(once, range(24))) == {"first"}
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert not list(Path(tempfile.gettempdir()).iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log.showSignature", "true"),
        ("color.ui", "always"),
        ("format.pretty", "oneline"),
        ("diff.external", "false"),
        ("core.pager", "false"),
        ("status.showUntrackedFiles", "no"),
        ("i18n.logOutputEncoding", "UTF-16"),
    ],
)
def test_a_users_settings_change_no_answer(project: Path, name: str, value: str):
    (project / "unknown to git").touch()
    before = Repository(project).revision("v1"), Repository(project).working_tree()
    git(project, "config", name, value)
    assert (Repository(project).revision("v1"), Repository(project).working_tree()) == before


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_NAMESPACE"]
)
def test_the_variables_of_a_hook_lead_to_no_other_repository(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "init", "-q", str(elsewhere))
    monkeypatch.setenv(name, str(elsewhere / ".git"))
    repository = Repository(project)
    assert repository.working_tree().title == "The second"
    with repository.checked_out("v1") as tree:
        assert (tree / "file").read_text() == "first"


def test_a_title_in_another_encoding_is_shown_as_well_as_it_can_be(project: Path):
    message = project / "message"
    message.write_bytes(b"Caf\xe9\n")
    git(project, "-c", "i18n.commitEncoding=UTF-8", "commit", "-qaF", "message", "--allow-empty")
    title = Repository(project).revision("HEAD").title
    assert title is not None
    assert title.startswith("Caf")


def test_without_git_the_message_says_so(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="Install git"):
        Repository(project)


def test_a_checkout_without_room_says_where_it_lacks(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with pytest.raises(UsageError, match="TMPDIR"), Repository(project).checked_out("v1"):
        pass


def test_the_users_hooks_are_not_run(project: Path):
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    with Repository(project).checked_out("v1") as tree:
        assert not (tree / "hooked").exists()


def test_a_revision_is_described(project: Path):
    revision = Repository(project).revision("v1")
    assert (revision.name, revision.title, revision.dirty) == ("v1", "The first", False)
    assert revision.commit == git(project, "rev-parse", "v1")


def test_an_unknown_revision_is_told_with_the_names_there_are(project: Path):
    with pytest.raises(UnknownName, match=r"did you mean 'main'.*fetch-depth"):
        Repository(project).revision("mian")


def test_an_option_is_no_revision(project: Path):
    with pytest.raises(UnknownName):
        Repository(project).revision("--all")


@pytest.mark.parametrize("change", ["file", "unknown to git"])
def test_a_working_tree_with_changes_is_said_to_have_them(project: Path, change: str):
    assert not Repository(project).working_tree().dirty
    (project / change).write_text("changed")
    assert Repository(project).working_tree().dirty


def test_a_folder_without_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="run it in a clone"):
        Repository(tmp_path)


def test_a_folder_inside_another_repository_is_refused(project: Path):
    inside = project / "inside"
    inside.mkdir()
    with pytest.raises(UsageError, match="not the root of a clone"):
        Repository(inside)


def test_a_repository_without_a_commit_is_refused(tmp_path: Path):
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match="no commit yet"):
        Repository(tmp_path).working_tree()
