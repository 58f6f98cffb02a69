"""The two trees of a gate: revisions checked out beside the working tree, and removed again.

A checkout is a worktree of the same repository in a temporary folder. What a killed gate left
behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UnknownName, UsageError
from harness.gate.config import WORKTREE
from harness.gate.findings import Revision
from harness.git import git
from harness.temporary import remove_leftovers, temporary_folder

SHOWN = 8  # of the names that could have been meant

FETCH = (
    "In CI the whole history must be fetched (fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab)."
)


class Repository:
    """The repository that a tree belongs to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            top = self._git("rev-parse", "--show-toplevel")
        except OSError as error:
            raise UsageError(
                f"git cannot be run ({error.strerror}), so no revision can be checked out. "
                "Install git, or put its folder on PATH."
            ) from None
        if top.returncode:
            raise UsageError(
                f"{root.name}: {_said(top) or 'not a git repository'}. A gate compares revisions: "
                "run it in a clone of the project, or compare two runs with `compare`."
            )
        if Path(top.stdout.strip()).resolve() != root.resolve():
            raise UsageError(
                f"{root.name}: a folder inside a git repository, not the root of a clone. "
                "A gate checks out whole trees: run it in a clone of the project."
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
        changes = self._git("status", "--porcelain", "--untracked-files=normal").stdout
        return self._described(WORKTREE, head.stdout.strip(), dirty=bool(changes.strip()))

    @contextlib.contextmanager
    def checked_out(self, commit: str) -> Iterator[Path]:
        """Check a commit out into a folder of its own, for as long as the block lasts."""
        if remove_leftovers():
            self._forget_removed()
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget_removed)  # when the folder has gone
            tree = stack.enter_context(temporary_folder()) / "tree"
            with self._one_at_a_time():
                made = self._git("worktree", "add", "--detach", "--force", str(tree), commit)
            if made.returncode:
                raise UsageError(
                    f"commit {commit[:12]} could not be checked out: {_said(made)}. "
                    "Check free space and permissions of the temporary folder (TMPDIR)."
                )
            yield tree

    def _forget_removed(self) -> None:
        with self._one_at_a_time():
            self._git("worktree", "prune")

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Keep other gates from git's list of worktrees: one may prune what another is adding."""
        common = self._git("rev-parse", "--git-common-dir").stdout.removesuffix("\n")
        folder = os.open(self.root / common, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _described(self, name: str, commit: str, *, dirty: bool) -> Revision:
        # The first line of this command's answer names the commit once more.
        shown = self._git("rev-list", "--max-count=1", "--format=%cI%n%s", commit).stdout
        _, committed, title, *_ = [*shown.splitlines(), "", "", ""]
        return Revision(name, commit, committed or None, title.strip() or None, dirty)

    def _names(self) -> list[str]:
        listed = self._git("for-each-ref", "--format=%(refname:short)", f"--count={10 * SHOWN}")
        return ["HEAD", *listed.stdout.split()]

    def _git(self, *words: str) -> subprocess.CompletedProcess[str]:
        return git(self.root, *words)


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return git's last complaint, with the advice that it gives below it."""
    _, _, fatal = done.stderr.rpartition("fatal: ")
    return " ".join(fatal.split()).rstrip(".")
