"""key=value words to one validated GateConfig."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from harness.config import WORDS, device_word, existing_folder, listed, split_words, whole
from harness.errors import UsageError
from harness.records.lines import explained

WORKTREE = "worktree"

GATE_WORDS = {
    "base": "the revision that head is compared with: a branch, a tag or a commit",
    "head": f"what is judged: a revision, or the files as they lie here (default: {WORKTREE})",
    "against": "a run folder to compare with, in place of base=, of a machine of the same class",
    "suite": "the suite whose learners are compared: a name or a path (default: gate)",
    "pairs": "only the learners of these pairs, by commas (default: all)",
    "threshold": "the slow-down that is let pass, as a share (default: 0.05, which is 5 %)",
    "limit_s": "no round may end after so many seconds (default: 300); open times are inconclusive",
    "threads": "threads of a worker (default: 1, which leaves a neighbour the other cores)",
    "device": WORDS["device"],
    "data_dir": WORDS["data_dir"],
    "plugin": WORDS["plugin"],
    "markdown": "a file for the table as Markdown, for a pull request",
    "junit": "a file for the findings as JUnit XML",
    "history": "a file of JSON lines that the findings are appended to, for `report` to draw",
}
OF_REVISIONS = frozenset({"head", "suite", "threads", "device", "limit_s"})
LEAST_THRESHOLD, MOST_THRESHOLD = 0.001, 10.0
LEAST_LIMIT_S, MOST_LIMIT_S = 1, 86_400


@dataclass(frozen=True)
class GateConfig:
    """What a gate was asked for."""

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
    """Read the words of `gate`."""
    given = split_words(words, GATE_WORDS)
    if ("base" in given) == ("against" in given):
        raise UsageError(
            "a gate compares with one thing: a revision, as in base=main, or a stored run, as in "
            "against=results/paper-20260102-030405. Name one of them."
        )
    if "against" in given and (extra := set(given) & OF_REVISIONS):
        raise UsageError(
            f"against= measures the working tree by the stored run's own plan, all of it; leave "
            f"out {', '.join(sorted(extra))}, or compare with a revision by base=."
        )
    if "against" in given and "history" in given:
        raise UsageError(
            "history= keeps what is found of a commit beside its base, and a stored run is none: "
            "name a revision with base=, or leave out history=."
        )
    files = {
        name: os.path.realpath(given[name])
        for name in ("markdown", "junit", "history")
        if name in given
    }
    if len(set(files.values())) < len(files):
        raise UsageError(
            f"{', '.join(f'{name}=' for name in files)}: two of them name the same file, and one "
            "would replace the other. Name a file for each."
        )
    data_dir = given.get("data_dir")
    if data_dir is not None:
        existing_folder("data_dir", data_dir)
    return GateConfig(
        base=given.get("base"),
        head=given.get("head", WORKTREE),
        against=Path(given["against"]) if "against" in given else None,
        suite=given.get("suite", "gate"),
        pairs=listed("pairs", given),
        threshold=_threshold(given.get("threshold", "0.05")),
        limit_s=whole("limit_s", given.get("limit_s", "300"), LEAST_LIMIT_S, MOST_LIMIT_S),
        threads=whole("threads", given.get("threads", "1"), most=1024),
        device=device_word(given.get("device", "cpu")),
        # Workers of the two trees start in different folders.
        data_dir=None if data_dir is None else str(Path(data_dir).resolve()),
        plugins=tuple(str(Path(plugin).resolve()) for plugin in listed("plugin", given)),
        markdown=_writable("markdown", given.get("markdown")),
        junit=_writable("junit", given.get("junit")),
        history=Path(given["history"]) if "history" in given else None,
    )


def _threshold(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not LEAST_THRESHOLD <= value <= MOST_THRESHOLD:
        raise UsageError(
            f"threshold={word}: must be a share from {LEAST_THRESHOLD} to {MOST_THRESHOLD:g}. "
            "Write threshold=0.05 for 5 %."
        )
    return value


def _writable(name: str, word: str | None) -> Path | None:
    """Refuse a file that could not be written before anything is measured."""
    if word is None:
        return None
    path = Path(word)
    next_step = "Name a file in an existing folder."
    with explained(f"{name}={word}", next_step):
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"{name}={word}: no file can be there. {next_step}")
    return path
