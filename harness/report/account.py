"""An account: a figure with all that it rests on, and the verdicts that rest on it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.declare.claims import Claim
from harness.declare.pair import with_settings, workload_words
from harness.declare.point import words_of
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, PairJudgement, Verdict
from harness.judge.ratios import is_gain
from harness.judge.trace import Trace, traces
from harness.report.recipe import recipe
from harness.report.tables.table import Cell, Column, Table, simple_table
from harness.report.tables.verdict_table import published_cell, tone_of, verdict_reason
from harness.report.units import (
    UNKNOWN,
    percent,
    quantity,
    ratio,
    ratio_interval,
    significant,
    with_bounds,
)
from harness.report.words import full_stop, measure_name, team_words


@dataclass(frozen=True)
class Account:
    """A traced figure of a pair, with the verdicts that rest on it."""

    judged: PairJudgement
    trace: Trace
    verdicts: tuple[Verdict, ...]
    claims: Mapping[str, Claim]
    plugins: tuple[str, ...] = ()  # that the run was made with

    @property
    def title(self) -> str:
        at = f", {words_of(self.trace.point)}" if self.trace.point else ""
        return f"{self.judged.pair.name}, {measure_name(self.trace.measure)}{at}"

    @property
    def members(self) -> str:
        """Name what is compared, and on what."""
        pair = self.judged.pair
        method = with_settings(pair.method, dict(pair.method_settings))
        baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
        data = f", made of {self.judged.data}" if self.judged.data else ""
        return f"{method}{team_words(pair)} against {baseline} on {workload_words(pair)}{data}"

    @property
    def measured(self) -> str:
        """Write the figure with its interval."""
        if self.judged.withheld is not None or self.trace.interval is None:
            return UNKNOWN
        write = with_bounds if is_gain(self.trace.measure) else ratio_interval
        return write(self.trace.interval)

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield what there is to say of the figure, each under a word."""
        trace, interval = self.trace, self.trace.interval
        yield "compared", full_stop(self.members)
        if self.judged.withheld is not None:
            yield "withheld", full_stop(self.judged.withheld)
            return
        yield "measured", self.measured
        if interval is None:
            yield "because", full_stop(trace.reason or "nothing was measured")
            return
        yield "estimator", trace.estimator
        drawn = f", resampled with seed {trace.seed}" if trace.seed is not None else ""
        yield "interval", f"{interval.method}, 95 %, n = {interval.n}{drawn}"
        if trace.derived is not None:
            yield "derived", str(trace.derived)

    def facts_of(self, verdict: Verdict) -> Iterator[tuple[str, str]]:
        """Yield what there is to say of a verdict on the figure."""
        claim = self.claims.get(verdict.claim)
        if claim is not None:
            yield "claim", claim.quote or claim.sentence
            yield (
                "source",
                f"{claim.paper}, {claim.source}" + (f" ({claim.link})" * bool(claim.link)),
            )
        asked = published_cell(verdict)
        yield "read as", f"{verdict.text}; {asked.note or f'published: {asked.text}'}"
        if verdict.noise_floor is not None and self.judged.withheld is None:
            nothing = "none: nothing here is timed"
            yield "noise floor", percent(verdict.noise_floor) if verdict.noise_floor else nothing
        yield "rule", f"{verdict.rule}, so: {verdict.word}" if verdict.rule else verdict.word
        yield "because", verdict_reason(verdict, self.judged)
        if verdict.own_ratio is not None and self.judged.withheld is None:
            yield (
                "own part",
                f"{ratio_interval(verdict.own_ratio)}, without the gain from its implementation",
            )
        if (kept := verdict.quality or self.judged.quality) is not None:
            yield "accuracy", full_stop(kept.reason)

    def values(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield every round: which it is, both members' values, what they give, and a remark."""
        unit, gain = self.trace.unit, is_gain(self.trace.measure)
        for each in self.trace.rounds:
            when = f"seed {each.seed}" + ("" if each.round is None else f", round {each.round}")
            value = significant(each.value) if gain else ratio(each.value)
            remark = f"left out: {each.left_out}" if each.left_out else ""
            yield when, quantity(each.baseline, unit), quantity(each.method, unit), value, remark

    def recipe(self, run: str) -> tuple[str, ...]:
        return recipe(self.judged.pair.name, self.trace, run, self.plugins)

    def plain(self) -> dict[str, Any]:
        """Return the account of the figure as plain data."""
        pair, trace = self.judged.pair, self.trace
        return {
            "pair": pair.name,
            "workload": workload_words(pair),
            "data": self.judged.data,
            "baseline": with_settings(pair.baseline, dict(pair.baseline_settings)),
            "method": with_settings(pair.method, dict(pair.method_settings)),
            "measure": trace.measure,
            "point": dict(trace.point),
            "withheld": self.judged.withheld,
            "interval": dataclasses.asdict(trace.interval) if trace.interval else None,
            "estimator": trace.estimator,
            "seed": trace.seed,
            "derived": trace.derived,
            "rounds": [dataclasses.asdict(each) for each in trace.rounds],
            "blocks": list(trace.blocks),
        }


def accounts(evidence: Evidence, judgement: Judgement) -> Iterator[Account]:
    """Yield an account of every figure of every pair."""
    claims = {claim.name: claim for claim in evidence.manifest.claims}
    for judged in judgement.pairs:
        for trace in traces(judged, evidence):
            mine = tuple(
                verdict
                for verdict in judged.verdicts
                if (verdict.measure, verdict.point) == (trace.measure, trace.point)
            )
            yield Account(judged, trace, mine, claims, evidence.manifest.plugins)


@dataclass(frozen=True)
class Opened:
    """A verdict in words and tables, ready to be set."""

    anchor: str
    word: Cell
    title: str
    facts: tuple[tuple[str, str], ...]
    rounds: Table | None
    blocks: tuple[str, ...]
    lines: tuple[str, ...]


def anchor_of(verdict: Verdict) -> str:
    """Name a verdict's place on the page, by what no other one of the run shares."""
    parts = (verdict.claim, verdict.pair, verdict.reading, words_of(verdict.point))
    return re.sub(r"[^\w.-]+", "-", "--".join(filter(None, ("verdict", *parts))))


def opened(account: Account, verdict: Verdict) -> Opened:
    """Return a verdict with all that it rests on."""
    gained = "Difference" if is_gain(account.trace.measure) else "Ratio"
    heads = ("Round", "Baseline", "Method", gained, "Remark")
    rounds = simple_table(
        f"rounds-of-{anchor_of(verdict)}",
        "Rounds",
        "What both members gave.",
        tuple(Column(head, numeric=0 < place < 4) for place, head in enumerate(heads)),
        [tuple(map(Cell, row)) for row in account.values()],
    )
    return Opened(
        anchor_of(verdict),
        Cell(verdict.word, tone=tone_of(verdict.word)),
        f"{account.title}: {account.measured}",
        (*account.facts_of(verdict), *account.facts),
        rounds,
        account.trace.blocks,
        account.recipe("."),
    )
