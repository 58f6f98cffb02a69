"""key=value words to one validated GateConfig."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from harness.config import WORDS, device_word, existing_folder, listed, split_words, whole
from harness.errors import UsageError

WORKTREE = "worktree"

GATE_WORDS = {
    "base": "the revision to compare with: a branch, a tag or a commit",
    "head": f"the revision to judge, or {WORKTREE}, the files as they are (default: {WORKTREE})",
    "against": "a run folder to compare with instead of base=, from a machine of the same class",
    "suite": "the suite whose learners are compared: a name or a path (default: gate)",
    "pairs": "only the learners of these pairs, separated by commas (default: all)",
    "threshold": "the largest slow-down that passes, as a fraction (default: 0.05, which is 5 %)",
    "limit_s": "seconds to measure for (default: 300); a time undecided by then is inconclusive",
    "threads": "threads per worker process (default: 1, so that the other cores stay free)",
    "device": WORDS["device"],
    "data_dir": WORDS["data_dir"],
    "plugin": WORDS["plugin"],
    "markdown": "a file to write the table to as Markdown, for a pull request",
    "junit": "a file to write the findings to as JUnit XML",
    "history": "a file of JSON lines to append the findings to, which `report` draws",
}
OF_REVISIONS = frozenset({"head", "suite", "threads", "device", "limit_s"})
LEAST_THRESHOLD, MOST_THRESHOLD = 0.001, 1.0
LEAST_LIMIT_S, MOST_LIMIT_S = 1, 86_400


@dataclass(frozen=True)
class GateConfig:
    """The options of a gate, read and checked."""

    base: str | None = None
    head: str = WORKTREE
    against: Path | None = None
    suite: str = "gate"
    pairs: tuple[str, ...] = ()
    threshold: float = 0.05
    limit_s: float = 300
    threads: int = 1
    device: str = "cpu"
    data_dir: str | None = None
    plugins: tuple[str, ...] = ()
    markdown: Path | None = None
    junit: Path | None = None
    history: Path | None = None


def gate_config(words: list[str]) -> GateConfig:
    """Read the options of `gate`."""
    given = split_words(words, GATE_WORDS)
    if ("base" in given) == ("against" in given):
        raise UsageError(
            "a gate compares with one thing: a revision, as in base=main, or a stored run, as in "
            "against=results/paper-20260102-030405. Name one of them."
        )
    if "against" in given and (extra := set(given) & OF_REVISIONS):
        raise UsageError(
            "against= measures the working tree by the stored run's own plan: leave out "
            f"{', '.join(sorted(extra))}, or compare with a revision by base=."
        )
    if "against" in given and "history" in given:
        raise UsageError(
            "history= records a commit against its base commit, and a stored run is not a commit. "
            "Name a revision with base=, or leave out history=."
        )
    files = {
        name: os.path.realpath(given[name])
        for name in ("markdown", "junit", "history")
        if name in given
    }
    if len(set(files.values())) < len(files):
        raise UsageError(
            f"{', '.join(f'{name}=' for name in files)}: two of these name the same file, so one "
            "would overwrite the other. Name a different file for each."
        )
    data_dir = given.get("data_dir")
    if data_dir is not None:
        existing_folder("data_dir", data_dir)

    def path(name: str) -> Path | None:
        return Path(given[name]) if name in given else None

    return GateConfig(
        base=given.get("base"),
        head=given.get("head", WORKTREE),
        against=path("against"),
        suite=given.get("suite", "gate"),
        pairs=listed("pairs", given),
        threshold=_threshold(given.get("threshold", "0.05")),
        limit_s=whole("limit_s", given.get("limit_s", "300"), LEAST_LIMIT_S, MOST_LIMIT_S),
        threads=whole("threads", given.get("threads", "1"), most=1024),
        device=device_word(given.get("device", "cpu")),
        # Workers of the two trees start in different folders.
        data_dir=None if data_dir is None else str(Path(data_dir).resolve()),
        plugins=tuple(str(Path(plugin).resolve()) for plugin in listed("plugin", given)),
        markdown=path("markdown"),
        junit=path("junit"),
        history=path("history"),
    )


def _threshold(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not LEAST_THRESHOLD <= value <= MOST_THRESHOLD:
        raise UsageError(
            f"threshold={word}: must be a fraction from {LEAST_THRESHOLD} to {MOST_THRESHOLD:g}. "
            "Write threshold=0.05 for 5 %."
        )
    return value
