"""The results of a run or a pack, opened for reading: here, in a notebook, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.declare.passes import Seen
from harness.records.manifest import Manifest
from harness.records.pack import opened
from harness.records.record import Record
from harness.records.store import Store
from harness.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

    from harness.judge.evidence import Evidence
    from harness.judge.judged_run import JudgedRun
    from harness.judge.judgement import Judgement


@dataclass(frozen=True)
class Results:
    """What a run planned, what it saw, and what was amiss with its files."""

    path: Path
    """The run's folder, or its pack."""
    manifest: Manifest
    records: list[Record[Seen]]
    registry: Registry
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, path: Path, plugins: tuple[str, ...] = ()) -> Results:
        registry = Registry(plugins).whole()
        with opened(path) as folder:
            store = Store.open(folder)
            records = store.records(registry.passes)
        return cls(path, store.manifest, records, registry, store.notes)

    @property
    def folder(self) -> Path:
        """The folder for what follows from the records: the run's own, or one beside the pack."""
        return self.path if self.path.is_dir() else self.path.with_name(f"{self.path.stem}-report")

    @cached_property
    def evidence(self) -> Evidence:
        """The records that count, as a judge finds them."""
        from harness.judge.evidence import Evidence

        return Evidence(self.manifest, self.records, self.registry.passes)

    @cached_property
    def judgement(self) -> Judgement:
        """What follows from the records: ratios, accuracies, verdicts."""
        from harness.judge.judge import judged

        return judged(self.evidence, self.registry)

    @property
    def judged(self) -> JudgedRun:
        """The run as it is compared with others, by a name without folders of this machine."""
        from harness.judge.judged_run import JudgedRun

        name = self.path.name if self.path.is_absolute() else str(self.path)
        return JudgedRun(name, self.manifest, self.judgement)

    def frame(self) -> pd.DataFrame:
        """Return what the run may show as a tidy frame, one row a measured value.

        Of a pair whose results are withheld it holds nothing; `records` keep all that was seen.
        """
        from harness.records.frame import frame

        return frame(self.shown)

    @cached_property
    def shown(self) -> Sequence[Record[Seen]]:
        """The records that count, without what was seen of pairs whose results are withheld."""
        withheld = [each.pair for each in self.judgement.pairs if each.withheld]
        return self.evidence.without_results_of(withheld).records
