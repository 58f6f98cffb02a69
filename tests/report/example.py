"""A run as the harness would have left it, built by hand: what a report must be able to show."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.judge.judgement import (
    Failure,
    Judgement,
    Ratio,
)
from harness.judge.noise.pair_noise import Twins
from harness.judge.statistics import Interval
from harness.records.manifest import Manifest
from harness.records.record import Record
from tests.report.example_judgements import aa, failed_check, gain, missing_peer
from tests.report.example_records import made_records, seconds_ratio
from tests.report.example_suite import CLAIMS, PAIRS, PROBES, ROUNDS, SEEDS


@dataclass(frozen=True)
class Run:
    """What `compose` and `write` are given."""

    manifest: Manifest
    records: tuple[Record[Seen], ...]
    judgement: Judgement

    def judged(self, **changes: object) -> Run:
        """Return the run with another judgement."""
        return dataclasses.replace(self, judgement=dataclasses.replace(self.judgement, **changes))

    def renamed(self, index: int, name: str) -> Run:
        """Return the run with another name for one of its pairs, wherever it stands."""
        old = self.judgement.pairs[index].pair

        def pair_of(pair: Pair) -> Pair:
            return dataclasses.replace(pair, name=name) if pair.name == old.name else pair

        suite = self.manifest.suite
        suite = dataclasses.replace(suite, pair=tuple(map(pair_of, suite.pair)))
        records = tuple(
            dataclasses.replace(r, pair=name, block=r.block.replace(old.name, name))
            if r.pair == old.name
            else r
            for r in self.records
        )
        renamed = dataclasses.replace(
            self,
            manifest=dataclasses.replace(
                self.manifest, suite=suite, plan=tuple(r.block for r in records)
            ),
            records=records,
        )
        verdicts = tuple(
            dataclasses.replace(v, pair=name) for v in self.judgement.pairs[index].verdicts
        )
        return renamed.with_pair(index, pair=pair_of(old), verdicts=verdicts)

    def with_pair(self, index: int, **changes: object) -> Run:
        """Return the run with one of its pairs judged otherwise."""
        pairs = list(self.judgement.pairs)
        pairs[index] = dataclasses.replace(pairs[index], **changes)
        return self.judged(pairs=tuple(pairs))


def example_run(seeds: tuple[int, ...] = SEEDS, rounds: int = ROUNDS) -> Run:
    """Return a run with all that a report knows: gains, noise, a failed check, a missing peer."""
    draw = random.Random(7)
    records = made_records(draw, seeds, rounds)
    floor_of = seconds_ratio(PAIRS[0], records)
    floor = max(abs(floor_of.low - 1), abs(floor_of.high - 1))
    pairs = (
        aa(records),
        gain(PAIRS[1], records, floor, inherited=True),
        gain(PAIRS[2], records, floor, inherited=False),
        missing_peer(),
        failed_check(),
    )
    wall = sum(r.wall_s or 0 for r in records)
    measured = sum(r.measured_s or 0 for r in records)
    overall = Interval(2.2, 2.1, 2.31, len(seeds) * rounds, "geometric mean over 2 workloads")
    judgement = Judgement(
        pairs=pairs,
        noise_floor=floor,
        aa_ok=True,
        warnings=(),
        overall=(
            Ratio(
                "step_time",
                "s",
                None,
                None,
                overall,
                overall.n,
                members="batched_maml against learn2learn_maml",
            ),
        ),
        measured_share=measured / wall,
        measured_s=measured,
        wall_s=wall,
        twins=(
            Twins(PAIRS[0].name, "step_time", floor_of, seconds_ratio(PAIRS[0], records, 0.99)),
        ),
    )
    manifest = Manifest(
        command="python -m harness run suite=paper seeds=3 rounds=4 threads=2 out=results/paper-1",
        suite=Suite("paper", "Every claim that this machine can test", PAIRS, Protocol()),
        claims=CLAIMS,
        seeds=seeds,
        rounds=rounds,
        threads=2,
        device="cpu",
        data_dir=False,
        plan=tuple(r.block for r in records),
        plan_hash="3f9ac01b77d2e410",
        started="2026-03-14T09:26:53+00:00",
        version="0.1.0",
        probes=PROBES,
    )
    return Run(manifest, records, judgement)


def degenerate_runs() -> dict[str, Run]:
    """Return runs of which little or nothing is left to show."""
    full = example_run()
    pairs = full.judgement.pairs
    reason = "learn2learn is not installed"
    empty = tuple(
        dataclasses.replace(
            p,
            ratios=(),
            quality=None,
            studies={},
            verdicts=(),
            checks=(),
            curves=None,
            failures=(Failure("baseline", "step", "skipped", reason, 12),),
        )
        for p in pairs
    )
    unfinished = tuple(
        dataclasses.replace(
            p,
            ratios=(),
            quality=None,
            studies={},
            checks=(),
            failures=(),
            curves=None,
            missing_blocks=24,
            verdicts=tuple(
                dataclasses.replace(v, word="inconclusive", ratio=None) for v in p.verdicts
            ),
        )
        for p in pairs
    )
    nothing = {
        "noise_floor": None,
        "twins": (),
        "aa_ok": None,
        "overall": (),
        "measured_share": None,
        "measured_s": 0.0,
        "wall_s": 0.0,
    }
    smoke = dataclasses.replace(full.manifest.suite, verdicts=False, pair=(PAIRS[1],))
    return {
        "no verdicts": dataclasses.replace(
            full.judged(
                pairs=(dataclasses.replace(pairs[1], verdicts=()),),
                aa_ok=None,
                noise_floor=None,
                overall=(),
            ),
            manifest=dataclasses.replace(full.manifest, suite=smoke),
        ),
        "all pairs failed": dataclasses.replace(full, records=()).judged(pairs=empty, **nothing),
        "one seed and one round": example_run(seeds=(0,), rounds=1),
        "nothing measured yet": dataclasses.replace(
            full, records=(), manifest=dataclasses.replace(full.manifest, probes={})
        ).judged(pairs=unfinished, **nothing),
        "no pairs": dataclasses.replace(full, records=()).judged(pairs=(), **nothing),
    }
