"""Git, asked so that the answer depends on the repository alone.

A user's configuration may colour, sign, page or filter what git prints, and inside a hook or a
bisection variables tell git of another index or tree than the one that is meant here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTINGS = (
    "color.ui=never",
    "log.showSignature=false",
    "i18n.logOutputEncoding=UTF-8",
    "core.fsmonitor=false",  # may be a program of the user's
    "core.hooksPath=/dev/null",  # hooks are for checkouts and commits of the user's own
    "submodule.recurse=false",
)

KEPT = ("GIT_CONFIG_", "GIT_SSH", "GIT_SSL_", "GIT_ASKPASS", "GIT_EXEC_PATH", "GIT_CEILING_")
"""What the variables say that may be passed on: how to reach and trust a repository (safe.directory
is often set by GIT_CONFIG_COUNT), and never which one is meant or how its answers look."""


def git(root: Path, *words: str, limit_s: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run git on the repository at a folder; OSError where there is no git to run."""
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    return subprocess.run(
        ["git", "--no-pager", *settings, "-C", str(root), *words],
        capture_output=True,
        # Names and titles may be in any encoding; they are shown, and never used to find a thing.
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=limit_s,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(KEPT)
        }
        | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
    )
