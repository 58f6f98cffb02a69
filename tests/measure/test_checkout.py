"""Checkouts: what they hold, that they go again, and what is said when they can't be made."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.errors import UnknownName, UsageError
from harness.measure.checkout import PREFIX, Repository


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


def test_what_a_killed_gate_left_is_removed_and_what_a_running_one_uses_stays(project: Path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Path(tempfile.gettempdir()) / f"{PREFIX}{ended.pid}-x"
    used = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}-y"
    for folder in (left, used):
        folder.mkdir()
    git(project, "worktree", "add", "-q", "--detach", str(left / "tree"), "v1")
    with Repository(project).checked_out("v1"):
        assert not left.exists()
        assert used.exists()
    assert len(git(project, "worktree", "list").splitlines()) == 1


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
    with pytest.raises(UsageError, match="no clone of its own"):
        Repository(inside)


def test_a_repository_without_a_commit_is_refused(tmp_path: Path):
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match="no commit yet"):
        Repository(tmp_path).working_tree()
