"""The two trees of a gate: revisions checked out beside the working tree, and removed again.

A checkout is a worktree of the same repository in a temporary folder, which carries the number of
the process that made it. What a killed gate left behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from harness.errors import UnknownName, UsageError
from harness.gate_config import WORKTREE
from harness.judge.gating import Revision

PREFIX = "harness-gate-"
SHOWN = 8  # of the names that could have been meant

FETCH = (
    "In CI the whole history must be fetched (fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab)."
)


def own_prefix() -> str:
    """Return how the names of this process's temporary folders begin."""
    return f"{PREFIX}{os.getpid()}-"


class Repository:
    """The repository that a tree belongs to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            top = self._git("rev-parse", "--show-toplevel")
        except FileNotFoundError:
            raise UsageError("git is not installed, so no revision can be checked out.") from None
        if top.returncode:
            raise UsageError(
                f"{root.name}: {_said(top) or 'not a git repository'}. A gate compares revisions: "
                "run it in a clone of the project, or compare two runs with `compare`."
            )
        if Path(top.stdout.strip()).resolve() != root.resolve():
            raise UsageError(
                f"{root.name}: only a folder of a git repository, and no clone of its own. "
                "A gate checks whole trees out: run it in a clone of the project."
            )

    def revision(self, name: str) -> Revision:
        """Return the commit of that name, or say which names there are."""
        found = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found.returncode:
            raise UnknownName("revision", name, self._names(), f"Or give a commit. {FETCH}")
        return self._described(name, found.stdout.strip(), dirty=False)

    def working_tree(self) -> Revision:
        """Return what stands in the folder, with or without changes."""
        head = self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head.returncode:
            raise UsageError("this repository has no commit yet. Commit something first.")
        # Files that git does not know count too: a new method is measured as it lies there.
        changes = self._git("status", "--porcelain").stdout
        return self._described(WORKTREE, head.stdout.strip(), dirty=bool(changes.strip()))

    @contextlib.contextmanager
    def checked_out(self, commit: str) -> Iterator[Path]:
        """Check a commit out into a folder of its own, for as long as the block lasts."""
        self.remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=own_prefix()))
        tree = folder / "tree"
        try:
            # The user's own hooks are for checkouts of the user's own.
            made = self._git(
                "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--force",
                str(tree), commit,
            )  # fmt: skip
            if made.returncode:
                raise UsageError(
                    f"commit {commit[:12]} could not be checked out: {_said(made)}. "
                    "Free space or permissions may be lacking in the temporary folder (TMPDIR)."
                )
            yield tree
        finally:
            self._remove(folder)

    def remove_leftovers(self) -> None:
        """Remove the checkouts whose gates have ended without doing so."""
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            pid = re.match(rf"{PREFIX}(\d+)-", folder.name)
            if pid and not psutil.pid_exists(int(pid[1])):
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._git("worktree", "prune")

    def _described(self, name: str, commit: str, *, dirty: bool) -> Revision:
        shown = self._git("show", "--no-patch", "--format=%cI%n%s", commit).stdout
        committed, _, title = shown.strip().partition("\n")
        return Revision(name, commit, committed or None, title.strip() or None, dirty)

    def _names(self) -> list[str]:
        listed = self._git("for-each-ref", "--format=%(refname:short)", f"--count={10 * SHOWN}")
        return ["HEAD", *listed.stdout.split()]

    def _git(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(self.root), *words],
            capture_output=True,
            text=True,
            check=False,
            # In a hook or under bisect, git says by variables which index and tree are meant.
            env={k: v for k, v in os.environ.items() if k not in _OF_ANOTHER_CALL}
            | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
        )


_OF_ANOTHER_CALL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1].removeprefix("fatal: ") if lines else ""
