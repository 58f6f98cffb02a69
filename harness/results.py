"""The results of a run, opened for reading: here, in a notebook, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from harness.judge.judgement import Judgement


@dataclass(frozen=True)
class Results:
    """What a run planned, what it saw, and what was amiss with its files."""

    folder: Path
    manifest: Manifest
    records: list[Record]
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, folder: Path) -> Results:
        store = Store.open(folder)
        records = store.records()
        return cls(folder, store.manifest, records, store.notes)

    @cached_property
    def judgement(self) -> Judgement:
        """What follows from the records: ratios, accuracies, verdicts."""
        from harness.judge.judge import judge

        return judge(self.manifest, self.records)

    def frame(self) -> pd.DataFrame:
        """Return the records as a tidy frame, one row a measured value."""
        from harness.records.frame import frame

        return frame(self.records)
