"""A gate against a stored run: the working tree measured by that run's own plan.

Timings of another day can't be taken in turns with today's, and machines of one class differ by far
more than an effect. So times are compared by the ratios inside either run, as `compare` does, and
what repeats exactly by itself, learner by learner.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.config import RunConfig
from harness.declare.measures import MEASURES
from harness.declare.pair import MEMBERS, Pair, member_names
from harness.declare.passes import Seen
from harness.errors import UsageError
from harness.gate.checkout import Repository
from harness.gate.config import WORKTREE, GateConfig
from harness.gate.counts import COUNTING, counts
from harness.gate.findings import GRADIENT, Finding, GateReport, Revision, Word
from harness.judge.comparison import Change, compare
from harness.judge.evidence import latest
from harness.judge.judged_run import differences, environment_of
from harness.judge.noise.sequential import ERROR_RATE
from harness.judge.statistics import Interval
from harness.measure.engines.local import LocalEngine
from harness.measure.preparation import probed, repeat
from harness.measure.progress import Progress
from harness.records.manifest import require_given
from harness.records.record import Record
from harness.registry import ROOT
from harness.results import Results
from harness.running import measure_whole

WORDS: dict[str, Word] = {
    "better": "improved",
    "worse": "regressed",
    "same": "same",
    "too few rounds": "inconclusive",
    "noise unknown": "inconclusive",
    "not compared": "not compared",
}

NOTE = (
    "Times are compared by the ratios within each run: head / base is a ratio of these. A "
    "slow-down counts if it exceeds the threshold and the intervals lie apart by more than the "
    "noise floors."
)

Once = Mapping[tuple[str, str, str], Record[Seen]]
"""Records by pair, pass and member."""


def gate_against(config: GateConfig, progress: Progress) -> GateReport:
    """Measure the working tree as the stored run was, unless this is another class of machine."""
    assert config.against is not None
    began, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    before = Results.of(config.against, config.plugins)
    then = before.manifest
    require_given(then, config.against, config.plugins, config.data_dir)
    given = RunConfig(pairs=config.pairs, data_dir=config.data_dir, plugins=config.plugins)
    with LocalEngine() as engine:
        probes = probed(then.device, engine)
        machine = environment_of(probes, then.device, then.threads)
        environment = differences(environment_of(then.probes, then.device, then.threads), machine)
        findings: tuple[Finding, ...] = ()
        floor = None
        if not environment:
            with tempfile.TemporaryDirectory(prefix="harness-against-") as folder:
                run = repeat(then, given, Path(folder) / "run", then.command, probes)
                measure_whole(run, engine, progress)
                now = Results.of(run.store.folder, config.plugins)
                findings = tuple(_findings(before, now, config.threshold))
                floor = now.judgement.noise_floor
    return GateReport(
        base=Revision(
            config.against.name,
            then.probes.get("git_commit"),
            None,
            None,
            bool(then.probes.get("git_dirty")),
        ),
        head=_working_tree(),
        suite=then.suite.name,
        findings=findings,
        threshold=config.threshold,
        noise_floor=floor,
        error_rate=ERROR_RATE,
        machine=machine,
        environment=environment,
        started=started,
        seconds=time.monotonic() - began,
        limit_s=None,
        notes=(NOTE,),
    )


def _findings(then: Results, now: Results, threshold: float) -> Iterator[Finding]:
    compared = compare(then.judged, now.judged)
    for mismatch in compared.mismatches:
        yield Finding(str(mismatch), GRADIENT, word="mismatch", learner=mismatch.learner)
    for change in compared.changes:
        # Counts follow, by themselves; what was gained in accuracy is a claim's, and no gate's.
        if MEASURES.nature(change.measure) not in ("count", "gain") and change.word in WORDS:
            yield _finding(change, threshold)
    once = _once(then.records), _once(now.records)
    for pair in now.manifest.suite.pair:
        yield from _counts(pair, *once)


def _finding(change: Change, threshold: float) -> Finding:
    """Turn a change of a speed-up into one of time: head over base, above 1 if more is taken."""
    then, now = change.before.interval, change.after.interval
    ratio, word = None, WORDS[change.word]
    if then is not None and now is not None:
        ratio = Interval(
            then.estimate / now.estimate,
            then.low / now.high,
            then.high / now.low,
            min(then.n, now.n),
            "ratio of two runs' intervals",
        )
        if word == "regressed" and ratio.estimate <= 1 + threshold:
            word = "same"
    return Finding(
        subject=f"pair {change.pair}",
        measure=change.measure,
        base=then.estimate if then else None,
        head=now.estimate if now else None,
        ratio=ratio,
        threshold=threshold,
        rounds=now.n if now else None,
        word=word,
        reason=change.reason,
    )


def _counts(pair: Pair, then: Once, now: Once) -> Iterator[Finding]:
    members = MEMBERS[:1] if pair.is_aa else MEMBERS
    named = dict(zip(member_names(pair), members, strict=False))
    for name, member in named.items():  # one, where both have one name
        for measured in COUNTING:
            before, after = (found.get((pair.name, measured, member)) for found in (then, now))
            if before is not None and after is not None:
                yield from counts(f"{name} in pair {pair.name}", measured, before, after, None)


def _once(records: Sequence[Record[Seen]]) -> Once:
    """Return what counts of the blocks that are measured once, good or not."""
    found: dict[tuple[str, str, str], Record[Seen]] = {}
    for record in latest(records):
        if not record.point:
            found.setdefault((record.pair, record.measured, record.member), record)
    return found


def _working_tree() -> Revision:
    try:
        return Repository(ROOT).working_tree()
    except UsageError:  # no clone is needed here
        return Revision(WORKTREE, None, None, None, dirty=False)
