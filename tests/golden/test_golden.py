"""What was once judged of the committed runs stays judged so: every word, ratio and interval.

`python -m tests.golden.test_golden` writes the files anew, for a change that is meant to change
them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.judge.judge import judge
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.records.store import Store

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
RUNS = {path.parent.name: path.parent for path in sorted(REFERENCE.glob("*/*/manifest.json"))}
"""By their names; a folder of results/reference has those of one machine."""
HERE = Path(__file__).parent
NAMES = sorted(RUNS)


def said(judgement: Judgement) -> dict[str, Any]:
    """Return what must not change of a judgement, as plain data."""
    return {
        "noise_floor": judgement.noise_floor,
        "aa_ok": judgement.aa_ok,
        "overall": [[r.members, r.measure, ends(r.interval)] for r in judgement.overall],
        "pairs": {judged.pair.name: of_pair(judged) for judged in judgement.pairs},
    }


def of_pair(judged: PairJudgement) -> dict[str, Any]:
    ratios = [*judged.ratios, *([judged.gain] if judged.gain else [])]
    return {
        "ratios": {r.measure: [r.baseline, r.method, ends(r.interval), r.rounds] for r in ratios},
        "verdicts": [
            [v.claim, v.reading, v.measure, v.word, v.published, ends(v.ratio), ends(v.own_ratio)]
            for v in judged.verdicts
        ],
        "not_worse": judged.quality.not_worse if judged.quality else None,
        "quality": [judged.quality.baseline, judged.quality.method] if judged.quality else None,
        "targets": [
            [t.target, t.baseline_steps, t.method_steps, t.baseline_reached, t.method_reached]
            for t in judged.studies.get("targets", ())
        ],
        "missing": judged.missing_blocks,
        "failures": [[f.member, f.measured, f.status, f.blocks] for f in judged.failures],
        "choices": choices(judged),
        "scaling": scaling(judged),
    }


def choices(judged: PairJudgement) -> list[Any]:
    if judged.studies.get("variants") is None:
        return []
    chosen = [
        ["choice", c.tau, c.steps, c.variant, c.within, ends(c.gain), c.not_worse, ends(c.ratio)]
        for c in judged.studies["variants"].choices
    ]
    best = [
        ["best", b.steps, b.variant, list(b.own), ends(b.gain), ends(b.ratio)]
        for b in judged.studies["variants"].best
    ]
    return chosen + best


def scaling(judged: PairJudgement) -> list[Any]:
    if judged.studies.get("ranks") is None:
        return []
    points = [
        [s.point.ranks, s.point.tasks, ends(s.seconds), ends(s.efficiency), ends(s.speedup)]
        for s in (*judged.studies["ranks"].strong, *judged.studies["ranks"].weak)
    ]
    return [*points, [judged.studies["ranks"].calls, judged.studies["ranks"].bytes]]


def ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.estimate, interval.low, interval.high]


def rebuilt(name: str) -> Any:
    store = Store.open(RUNS[name])
    text = json.dumps(said(judge(store.manifest, store.records())))
    return json.loads(text)


def differences(was: Any, now: Any, where: str = "") -> list[str]:
    """Return every place where two pieces of plain data differ, numbers by more than rounding."""
    if isinstance(was, dict) and isinstance(now, dict):
        return [
            found
            for key in was.keys() | now.keys()
            for found in differences(was.get(key), now.get(key), f"{where}/{key}")
        ]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return [found for n, (a, b) in pairs for found in differences(a, b, f"{where}/{n}")]
    if isinstance(was, float) and isinstance(now, float):
        same = math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-15)
        return [] if same else [f"{where}: was {was!r}, is {now!r}"]
    return [] if was == now else [f"{where}: was {was!r}, is {now!r}"]


def test_a_difference_is_found_wherever_it_is():
    was = {"a": [1.0, {"b": "met"}], "c": None}
    assert not differences(was, {"a": [1.0 + 1e-12, {"b": "met"}], "c": None})
    assert differences(was, {"a": [1.0, {"b": "none"}], "c": None}) == [
        "/a/1/b: was 'met', is 'none'"
    ]
    assert differences(was, {"a": [1.1, {"b": "met"}]}) == ["/a/0: was 1.0, is 1.1"]


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_run_is_judged_as_it_was(name):
    was = json.loads((HERE / f"{name}.json").read_text())
    assert not differences(was, rebuilt(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_runs_verdicts_are_those_that_were_judged(name):
    """The README's table is made of these files."""
    golden = json.loads((HERE / f"{name}.json").read_text())["pairs"]
    told = json.loads((RUNS[name] / "claims.json").read_text())["verdicts"]
    was = [[pair, *v[:6]] for pair, judged in golden.items() for v in judged["verdicts"]]
    about = ("pair", "claim", "reading", "measure", "word", "published")
    now = [[*(v[name] for name in about), ratio(v)] for v in told]
    for each in (was, now):
        each.sort(key=json.dumps)  # a verdict may have no figures
    for before, after in zip(was, now, strict=True):
        if after[-1] is None:  # it may show no figures
            before[-1] = None
        assert not differences(before, after)


def ratio(verdict: dict[str, Any]) -> list[float] | None:
    found = verdict["ratio"]
    return None if found is None else [found["estimate"], found["low"], found["high"]]


if __name__ == "__main__":
    for name in NAMES:
        (HERE / f"{name}.json").write_text(json.dumps(rebuilt(name), indent=1) + "\n")
