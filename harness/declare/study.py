"""A study: one kind of question, in one folder.

It says what is measured (passes of its own, or points of the spine's), how that is judged, and how
that is shown. Its face, a class under the decorator @study, imports no torch: it is read wherever a
name is listed or a report is built. Who judges and shows is named as "module:function", which is
loaded when it is asked; or the face overrides the method. Nobody outside the folder knows its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.declare.measures import Measure
from harness.declare.passes import Pass, Seen, resolved
from harness.declare.settings import build

if TYPE_CHECKING:
    from harness.declare.pair import Pair
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement
    from harness.judge.pair_study import PairSoFar, PairStudy
    from harness.judge.threats import Told
    from harness.report.section import Part


@dataclass(frozen=True)
class NoSettings:
    """The settings of a study that has none."""


class Study:
    """One kind of question. A study overrides what it has an answer to."""

    name: ClassVar[str] = ""  # until a decorator of the registry gives one
    settings: ClassVar[type] = NoSettings
    """A dataclass of what a suite may set in its table [study.NAME]."""
    pair_settings: ClassVar[type] = NoSettings
    """A dataclass of what a pair may set in its table study.NAME."""
    passes: ClassVar[tuple[Pass[Seen], ...]] = ()
    measures: ClassVar[tuple[Measure, ...]] = ()
    """What it measures, for claims to be held to."""
    pair_judge: ClassVar[str] = ""
    run_judge: ClassVar[str] = ""
    shown_by: ClassVar[str] = ""
    """Takes the judgement, as does who tells."""
    told_by: ClassVar[str] = ""
    threatened_by: ClassVar[str] = ""
    """Takes the evidence and the judgement."""
    terms_by: ClassVar[str] = ""
    methods_by: ClassVar[str] = ""

    def settings_of(self, given: dict[str, Any]) -> Any:
        return build(self.settings, given, f"[study.{self.name}]")

    def settings_of_pair(self, pair: Pair) -> Any:
        given = pair.study.get(self.name, {})
        return build(self.pair_settings, given, f"pair {pair.name}, study.{self.name}")

    def of_pair(self, so_far: PairSoFar) -> PairStudy | None:
        """Judge what was seen of one pair; None where nothing of this study was."""
        found: PairStudy | None = resolved(self.pair_judge)(so_far) if self.pair_judge else None
        return found

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        """Judge what was seen of all pairs together, when each has been judged."""
        return resolved(self.run_judge)(evidence, judgement) if self.run_judge else None

    def threats(self, evidence: Evidence, judgement: Judgement) -> Iterator[Told]:
        """Yield what the study shows that could make a run's verdicts wrong."""
        if self.threatened_by:
            yield from resolved(self.threatened_by)(evidence, judgement)

    def terms(self, judgement: Judgement) -> Iterator[tuple[str, str]]:
        """Yield codes that the report shows of it, and what each means."""
        yield from resolved(self.terms_by)(judgement) if self.terms_by else ()

    def methods(self, judgement: Judgement) -> Iterator[tuple[str, str]]:
        """Yield what of its methods a reader must know, each under a word."""
        yield from resolved(self.methods_by)(judgement) if self.methods_by else ()

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        """Yield the tables and figures that the report shows of it."""
        yield from resolved(self.shown_by)(judgement) if self.shown_by else ()

    def said(self, judgement: Judgement) -> dict[str, Any]:
        """Return what claims.json tells of it, by key."""
        found: dict[str, Any] = resolved(self.told_by)(judgement) if self.told_by else {}
        return found
