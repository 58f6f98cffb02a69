"""A run as the harness would have left it, built by hand: what a report must be able to show."""

from __future__ import annotations

import dataclasses
import random
import statistics
from dataclasses import dataclass

import pytest

from harness.declare.claims import Claim, Reading
from harness.declare.suite import MEMBERS, Pair, Protocol, Suite
from harness.judge.judgement import (
    Curves,
    Debt,
    Failure,
    Judgement,
    PairJudgement,
    Quality,
    Ratio,
    TargetTime,
    Verdict,
)
from harness.judge.noise import Twins
from harness.judge.quality import accuracy
from harness.judge.statistics import Interval, paired_ratio
from harness.judge.verdicts import decide
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.content import Content, compose
from harness.report.figures import draw

CLAIMS = (
    Claim(
        name="qmaml_half",
        paper="Kunde et al. 2021, QMAML",
        source="doi:10.1145/3460866.3461773",
        sentence="The training time of MAML is reduced by 50 % against learn2learn",
        readings=(
            Reading("half", "50 % less time a step, read as 2.0 times", 2.0, "step_time"),
            Reading("to_target", "half the time to the target", 2.0, "time_to_target"),
        ),
        algorithm="known",
    ),
    Claim(
        name="qmaml_four",
        paper="Kunde et al. 2021, QMAML",
        source="doi:10.1145/3460866.3461773",
        sentence="The same on worker nodes that each process a subset of the tasks",
        readings=(Reading("nodes", "2.0 times on four GPUs", 2.0, "step_time"),),
        algorithm="known",
        needs=("gpus=4",),
    ),
    Claim(
        name="sharing",
        paper="Chang and Lipson 2023",
        source="arXiv:2312.08398",
        sentence="Sharing gradients accelerates meta-training by up to 134 %",
        readings=(
            Reading("iterations", "134 % more speed, read as 2.34 times", 2.34, "step_time"),
            Reading("weak", "read as 1.34 times", 1.34, "step_time", "low"),
        ),
        algorithm="reconstructed",
    ),
)

ONE_SHOT: dict[str, int | float | str | bool] = {"ways": 5, "shots": 1, "tasks": 32}
TWENTY: dict[str, int | float | str | bool] = {"ways": 20, "shots": 1, "tasks": 8}

PAIRS = (
    Pair(
        "learn2learn against itself",
        "learn2learn_maml",
        "learn2learn_maml",
        "glyphs",
        "nothing",
        passes=("check", "step"),
        settings=ONE_SHOT,
    ),
    Pair(
        "learn2learn-batched-5w1s",
        "learn2learn_maml",
        "batched_maml",
        "glyphs",
        "tasks one after another, or batched",
        passes=("check", "trajectory", "curve", "operations", "memory", "step"),
        claims=("qmaml_half", "qmaml_four"),
        settings=ONE_SHOT,
    ),
    Pair(
        "learn2learn-batched-20w1s",
        "learn2learn_maml",
        "batched_maml",
        "glyphs",
        "tasks one after another, or batched",
        passes=("check", "curve", "operations", "memory", "step"),
        claims=("qmaml_half",),
        settings=TWENTY,
    ),
    Pair(
        "torchmeta-batched-5w1s",
        "torchmeta_maml",
        "batched_maml",
        "glyphs",
        "the library",
        claims=("qmaml_half",),
        settings=ONE_SHOT,
    ),
    Pair(
        "reference-sharing-5w1s",
        "reference_maml",
        "shared_gradients",
        "glyphs",
        "gradients shared inside the inner loop",
        claims=("sharing",),
        settings=ONE_SHOT,
        method_settings={"weight": 0.3},
    ),
)

PROBES = {
    "cpu": "AMD EPYC 9654",
    "cores": 2,
    "usable_cores": 2,
    "frequency_mhz": 2400,
    "frequency_policy": None,
    "memory_bytes": 8 * 1024**3,
    "os": "Linux 6.1",
    "python": "3.11.9",
    "torch": "2.13.0+cpu",
    "blas": "mkl",
    "mkl": True,
    "cuda": None,
    "gpu_state": {"clocks.sm": None},
    "packages": {"jinja2": "3.1.6", "learn2learn": "0.2.0", "numpy": "2.4.0", "torch": "2.13.0"},
    "distributions_hash": "9b1d0c77",
    "git_commit": "0f3c9a1d",
    "git_dirty": False,
}

DATA = "glyphs rendered from DejaVu and STIX typefaces"
SEEDS = (0, 1, 2)
ROUNDS = 4
SECONDS = {
    "learn2learn_maml": 0.0881,
    "batched_maml": 0.0369,
    "reference_maml": 0.0713,
    "shared_gradients": 0.0522,
}


@dataclass(frozen=True)
class Run:
    """What `compose` and `write` are given."""

    manifest: Manifest
    records: tuple[Record, ...]
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
    records = _records(draw, seeds, rounds)
    floor_of = _ratio(PAIRS[0], records)
    floor = max(abs(floor_of.low - 1), abs(floor_of.high - 1))
    pairs = (
        _aa(records),
        _gain(PAIRS[1], records, floor, inherited=True),
        _gain(PAIRS[2], records, floor, inherited=False),
        _missing_peer(),
        _failed_check(records),
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
        twins=(Twins(PAIRS[0].name, "step_time", floor_of, _ratio(PAIRS[0], records, 0.99)),),
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


def _records(draw: random.Random, seeds: tuple[int, ...], rounds: int) -> tuple[Record, ...]:
    records = []
    for pair in (PAIRS[1], PAIRS[2]):
        records += [_memory(pair, member) for member in MEMBERS]
    for pair in (PAIRS[0], PAIRS[1], PAIRS[4]):
        records += [_growth(pair, member) for member in MEMBERS]
    number = 0
    for round_ in range(rounds):
        for seed in seeds:
            order = MEMBERS if number % 2 == 0 else MEMBERS[::-1]
            drift = 1 + 0.004 * number
            number += 1
            for pair in (PAIRS[0], PAIRS[1], PAIRS[2], PAIRS[4]):
                scale = drift * (2.3 if pair.settings == TWENTY else 1.0)
                for member in order:
                    time = SECONDS[pair.learner(member)] * scale
                    seconds = tuple(time * draw.gauss(1, 0.008) for _ in range(5))
                    records.append(
                        _record(
                            pair,
                            "step",
                            member,
                            seed,
                            round_,
                            seconds=seconds,
                            steps_per_interval=max(1, int(0.1 / time)),
                            warmup_steady=number != 3,
                            warmup_seconds=tuple(seconds[:2]) * 5,
                            warmup_s=2.5,
                            compile_s=None,
                            fast_paths="torch.func vmap"
                            if "batched" in pair.learner(member)
                            else None,
                            measured_s=0.5,
                            wall_s=1.4,
                            load=draw.uniform(0.4, 1.2),
                            steal=0.002,
                        )
                    )
    for pair, members in ((PAIRS[1], ("baseline",)), (PAIRS[2], MEMBERS)):
        for member in members:
            for seed in seeds:
                steps = tuple(range(0, 201, 20))
                top = 0.9 if pair.settings == ONE_SHOT else 0.74
                quality = tuple(
                    top - (top - 0.25) * 0.5 ** (step / 35) + draw.gauss(0, 0.008) for step in steps
                )
                tests = tuple(min(1.0, max(0.0, draw.gauss(top, 0.09))) for _ in range(300))
                records.append(
                    _record(
                        pair,
                        "curve",
                        member,
                        seed,
                        0,
                        curve_steps=steps,
                        curve_quality=quality,
                        test_quality=tests,
                        metric="accuracy",
                        higher_is_better=True,
                        train_seconds=18.0,
                        wall_s=21.0,
                        measured_s=0.0,
                    )
                )
    return tuple(records)


def _record(
    pair: Pair, measured: str, member: str, seed: int, round_: int, **seen: object
) -> Record:
    return Record(
        block=f"{pair.name}/{measured}/{member}/seed{seed}/round{round_}",
        pair=pair.name,
        measured=measured,
        member=member,
        learner=pair.learner(member),  # type: ignore[arg-type]
        workload=pair.workload,
        settings=" ".join(f"{k}={v}" for k, v in sorted(pair.settings.items())),
        learner_settings=" ".join(f"{k}={v}" for k, v in pair.learner_settings(member).items()),  # type: ignore[arg-type]
        seed=seed,
        round=round_,
        status="ok",
        **{"device": "cpu", "dtype": "float32", "threads": 2, "processes": 1} | seen,  # type: ignore[arg-type]
    )


def _memory(pair: Pair, member: str) -> Record:
    peak = {"baseline": 31_400_000, "method": 118_000_000}[member]
    return _record(
        pair,
        "memory",
        member,
        0,
        0,
        peak_bytes=peak,
        live_bytes=9_800_000,
        wall_s=2.0,
        measured_s=0.0,
    )


def _growth(pair: Pair, member: str) -> Record:
    steps = (1, 2, 4, 8)
    first, more = {"batched_maml": (100_000_000, 50_000_000)}.get(
        pair.learner(member),  # type: ignore[arg-type]
        (6_000_000, 2_000_000),
    )
    peaks = tuple(first + more * (n - 1) for n in steps)
    return _record(pair, "growth", member, 0, 0, growth_steps=steps, growth_bytes=peaks)


def _ratio(pair: Pair, records: tuple[Record, ...], confidence: float = 0.95) -> Interval:
    sides: dict[str, dict[tuple[int, int], float]] = {"baseline": {}, "method": {}}
    for r in records:
        if r.pair == pair.name and r.measured == "step" and r.seconds:
            sides[r.member][(r.seed, r.round)] = statistics.median(r.seconds)
    return paired_ratio(sides["baseline"], sides["method"], confidence=confidence)


def _step_ratio(pair: Pair, records: tuple[Record, ...]) -> Ratio:
    interval = _ratio(pair, records)

    def middle(member: str) -> float:
        return statistics.median(
            statistics.median(r.seconds)
            for r in records
            if r.pair == pair.name and r.member == member and r.seconds
        )

    return Ratio("step_time", "s", middle("baseline"), middle("method"), interval, interval.n)


def _exact(learner: str) -> Debt:
    case = "ways 3, shots 2, 3 steps at 0.41, BatchNorm off, seed 118"
    return Debt(learner, "Exact", True, 3.1e-15, 1e-9, case, None, None)


def _aa(records: tuple[Record, ...]) -> PairJudgement:
    return PairJudgement(
        PAIRS[0],
        DATA,
        (_exact("learn2learn_maml"), _exact("learn2learn_maml")),
        None,
        (_step_ratio(PAIRS[0], records),),
        None,
        (),
        (),
        0,
        (),
    )


def _exact_count(measure: str, unit: str, baseline: float, method: float) -> Ratio:
    value = baseline / method
    return Ratio(measure, unit, baseline, method, Interval(value, value, value, 1, "counted"), 1)


def _gain(pair: Pair, records: tuple[Record, ...], floor: float, inherited: bool) -> PairJudgement:
    step = _step_ratio(pair, records)
    ratios = (
        step,
        _exact_count("peak_bytes", "bytes", 31_400_000, 118_000_000),
        _exact_count("flops", "operations", 2.41e9, 2.41e9),
        _exact_count("backward_passes", "calls", 64, 2),
    )
    tested = {
        member: accuracy(
            {
                r.seed: r.test_quality
                for r in records
                if r.pair == pair.name and r.member == member and r.test_quality
            }
        )
        for member in (("baseline",) if inherited else MEMBERS)
    }
    base, other = tested["baseline"], tested.get("method")
    quality = Quality(
        "accuracy",
        True,
        base.mean,
        None if inherited else other and other.mean,
        base.over_tasks,
        base.over_seeds,
        None if other is None else other.over_tasks,
        None if other is None else other.over_seeds,
        inherited,
        True,
        0.01,
        "the method inherits the baseline's quality: over 5 steps the losses and weights of both "
        "differ by 6.1e-15 at most"
        if inherited
        else "not worse over 3 seeds: the method gains +0.001 (-0.006 to +0.008)",
    )
    curves = Curves(True, 5, 2.4e-7, "The weights of both stay equal over 5 steps, to 2.4e-07")
    speed = step.baseline / step.method if step.baseline and step.method else 1.0
    targets = tuple(
        TargetTime(
            target,
            target == 0.85,
            steps,
            steps,
            steps and steps * 0.088,
            steps and steps * 0.088 / speed,
            reached,
            reached,
        )
        for target, steps, reached in (
            (0.6, 60.0, "3 of 3"),
            (0.75, 100.0, "3 of 3"),
            (0.85, 160.0, "2 of 3"),
            (0.9, None, "0 of 3"),
        )
    )
    verdicts = []
    for claim in (claim for claim in CLAIMS if claim.name in pair.claims):
        for reading in claim.readings:
            ratio = step.interval if reading.measure == "step_time" else None
            decision = decide(
                ratio,
                reading.value,
                noise_floor=floor,
                aa_ok=True,
                rounds=step.rounds,
                equivalence_ok=True,
                quality_ok=True,
                missing="gpus=4 (found: no GPU)" if claim.needs else None,
            )
            verdicts.append(
                Verdict(
                    claim.name,
                    reading.name,
                    reading.text,
                    reading.measure,
                    reading.value,
                    pair.name,
                    pair.method,
                    str(decision.word),
                    decision.reason,
                    None if claim.needs else ratio,
                    claim.algorithm,
                    reading.trust,
                )
            )
    return PairJudgement(
        pair,
        DATA,
        (_exact(pair.baseline), _exact(pair.method)),
        curves if inherited else None,
        ratios,
        quality,
        targets if inherited else (),
        (),
        0,
        tuple(verdicts),
    )


def _missing_peer() -> PairJudgement:
    reason = "torchmeta is not installed. Install it with: python -m baselines.install torchmeta"
    verdict = Verdict(
        "qmaml_half",
        "half",
        "50 % less time a step, read as 2.0 times",
        "step_time",
        2.0,
        PAIRS[3].name,
        "batched_maml",
        "inconclusive",
        "Nothing was measured that could be compared.",
        None,
        "known",
        "stated",
    )
    return PairJudgement(
        PAIRS[3],
        None,
        (
            Debt("torchmeta_maml", "Exact", None, None, None, None, None, None, reason),
            _exact("batched_maml"),
        ),
        None,
        (),
        None,
        (),
        (Failure("baseline", "step", "skipped", reason, 12),),
        0,
        (verdict,),
    )


def _failed_check(records: tuple[Record, ...]) -> PairJudgement:
    step = _step_ratio(PAIRS[4], records)
    failed = Debt(
        "shared_gradients",
        "Approximate",
        False,
        0.21,
        1e-9,
        "ways 5, shots 1, 1 step at 0.5, seed 3",
        0.93,
        0.38,
    )
    verdicts = tuple(
        Verdict(
            "sharing",
            reading.name,
            reading.text,
            reading.measure,
            reading.value,
            PAIRS[4].name,
            "shared_gradients",
            "invalid",
            "The gradient check failed: what was timed is not what the method claims to compute.",
            step.interval,
            "reconstructed",
            reading.trust,
        )
        for reading in CLAIMS[2].readings
    )
    return PairJudgement(
        PAIRS[4], DATA, (_exact("reference_maml"), failed), None, (step,), None, (), (), 0, verdicts
    )


@pytest.fixture(scope="session")
def run() -> Run:
    return example_run()


@pytest.fixture(scope="session")
def content(run: Run) -> Content:
    return compose(run.manifest, run.records, run.judgement)


@pytest.fixture(scope="session")
def svgs(content: Content) -> dict[str, str]:
    return {figure.name: draw(figure) for figure in content.figures}


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
            targets=(),
            verdicts=(),
            debts=(),
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
            targets=(),
            debts=(),
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


@dataclass(frozen=True)
class Report:
    """A run, what is to be said of it and its figures."""

    run: Run
    content: Content
    svgs: dict[str, str]


@pytest.fixture(
    scope="session",
    params=[
        "no verdicts",
        "all pairs failed",
        "one seed and one round",
        "nothing measured yet",
        "no pairs",
    ],
)
def degenerate(request: pytest.FixtureRequest) -> Report:
    run = degenerate_runs()[request.param]
    content = compose(run.manifest, run.records, run.judgement)
    return Report(run, content, {figure.name: draw(figure) for figure in content.figures})
