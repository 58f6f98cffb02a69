"""The exceptions that the harness raises on purpose.

HarnessError            anything that ends a command with a message instead of a traceback
  UsageError            the user's words, files or environment are at fault: exit code 2
    UnknownName         a name that is not in a fixed set of names
    Absent              what a component needs is not on this machine: its pairs are skipped
      PeerMissing       a package that we install is not installed
      ModuleMissing     a module of anybody's is not there
    EngineMissing       what an engine needs is not installed
    StoreError          a run folder could not be read or written
  MeasurementError      a block could not be measured
    NothingMeasured     no block can be: exit code 4
  TeamBroken            another rank of a team left it, or does not come

What measures or judges, a run, a gate or a comparison of runs, ends with one of these exit codes:

0   something was compared, and nothing is worse
1   something is worse
2   wrong usage
3   inconclusive
4   nothing was measured, or nothing could be compared
5   different environments
6   a gradient that was right before is wrong now
7   some pairs of a run measured nothing
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

PASSED, REGRESSED, WRONG_USAGE, INCONCLUSIVE, NOTHING, ELSEWHERE, MISMATCH, PARTLY = range(8)


class HarnessError(Exception):
    """A failure that is explained by its message alone."""

    exit_code = 1


class UsageError(HarnessError):
    """Something the user asked for cannot be had; the message says what can."""

    exit_code = WRONG_USAGE


class UnknownName(UsageError):
    """A name outside the allowed ones, with the nearest allowed name suggested."""

    def __init__(
        self, what: str, name: str, allowed: Iterable[str], next_step: str = "", where: str = ""
    ) -> None:
        names = sorted(allowed)
        super().__init__(
            (f"{where}: " if where else "") + f"unknown {what} {name!r}{suggestion(name, names)}. "
            f"Allowed: {', '.join(names) if names else 'none'}."
            + (f" {next_step}" if next_step else "")
        )


class Absent(UsageError):
    """What a component needs is not on this machine."""


class PeerMissing(Absent):
    """A package that a component needs is not installed; there is a command that installs it."""

    def __init__(self, peer: str, detail: str = "") -> None:
        self.peer = peer
        super().__init__(
            f"{peer} is not installed{f' ({detail})' if detail else ''}. "
            f"Install it with: {self.remedy(peer)}"
        )

    @staticmethod
    def remedy(peer: str) -> str:
        """Return the command that installs a peer."""
        return f"python -m baselines.install {peer}"


class ModuleMissing(Absent):
    """A module that a component imports is not there; only its author knows what provides it."""

    def __init__(self, module: str | None, importer: str) -> None:
        super().__init__(
            f"module {module or 'of unknown name'}, which {importer} imports, is not installed. "
            "Install the package that provides it."
        )


class EngineMissing(UsageError):
    """A package that an engine needs is not installed."""

    def __init__(self, engine: str, package: str) -> None:
        super().__init__(
            f"engine={engine}: {package} is not installed. Install it with: "
            f"python -m pip install -e '.[{engine}]', or leave engine= out to use this machine."
        )


class StoreError(UsageError):
    """A run folder could not be read or written."""


class MeasurementError(HarnessError):
    """A block could not be measured."""


class NothingMeasured(MeasurementError):
    """No block can be measured at all; a gate must not take that for a commit that is worse."""

    exit_code = NOTHING


class TeamBroken(HarnessError):
    """A rank waited in vain for another one; the cause is there, not here."""


def suggestion(name: str, names: list[str]) -> str:
    """Return a hint at the nearest of the names, or nothing where none is near."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
