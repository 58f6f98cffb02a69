"""Threats to validity: what a run's data, machine, budget and settings leave open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.declare.pair import workload_words
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement, PairJudgement, Quality
from harness.judge.machines import classes_by_pair
from harness.judge.noise.timed_blocks import TimedRounds


class Threat(StrEnum):
    """What could make the verdicts wrong."""

    DATA = "Data"
    DEVICES = "Devices"
    BUDGET = "Budget"
    RECONSTRUCTION = "Reconstruction"
    SOURCES = "Sources"
    CHANCE = "Rivals at chance"
    TUNING = "Tuning"
    INHERITANCE = "Inheritance"


@dataclass(frozen=True)
class Told:
    """A threat as it stands in this run."""

    threat: Threat
    text: str


def threats(
    evidence: Evidence, whole: Judgement, of_studies: Iterable[Told] = ()
) -> tuple[Told, ...]:
    """Return what threatens the verdicts of a run; nothing where none is given."""
    pairs = whole.pairs
    judged = [each for each in pairs if each.verdicts]
    if not judged:
        return ()
    found = [
        *((Threat.DATA, text) for text in _data(evidence)),
        *((Threat.DEVICES, text) for text in _devices(evidence)),
        *((Threat.BUDGET, text) for text in _budget(evidence, judged, whole.rounds)),
        *((Threat.RECONSTRUCTION, text) for text in _reconstruction(evidence, judged)),
        *((Threat.SOURCES, text) for text in _sources(evidence, judged)),
        *((Threat.CHANCE, text) for text in _chance(evidence, pairs)),
        *((Threat.TUNING, text) for text in _tuning(judged)),
        *((Threat.INHERITANCE, text) for text in _inheritance(judged)),
    ]
    told = [Told(threat, text) for threat, text in found] + list(of_studies)
    order = list(Threat)
    return tuple(sorted(told, key=lambda each: order.index(each.threat)))


def _data(evidence: Evidence) -> Iterator[str]:
    made: dict[str, dict[str, None]] = {}
    originals: dict[str, str] = {}
    for record in evidence.records:
        if record.data:
            made.setdefault(record.data, {})[record.workload] = None
            if record.stands_in_for:
                originals[record.data] = record.stands_in_for
    for data, workloads in made.items():
        place = f", in place of {originals[data]}" if data in originals else ""
        yield f"{', '.join(workloads)}: tasks come from {data}{place}."
    if made and not evidence.manifest.data_dir:
        yield "No data folder was given, so only the harness's own data were used."


def _devices(evidence: Evidence) -> Iterator[str]:
    manifest = evidence.manifest
    cores = manifest.probes.get("usable_cores") or manifest.probes.get("cores")
    machine = manifest.probes.get("cpu") or "an unknown processor"
    whole = "All blocks ran on one machine"
    if manifest.engine != "local":
        whole = "Blocks ran on a cluster, and each pair was timed on machines of one class"
    yield (
        f"{whole} ({manifest.device}, {machine}, {cores or 'unknown'} cores) "
        f"with {manifest.threads} threads. Ratios of times may differ on another one."
    )
    classes = classes_by_pair(evidence.records, evidence.passes).values()
    if len(several := dict.fromkeys(each for of_pair in classes for each in of_pair)) > 1:
        yield (
            f"Pairs were timed on {len(several)} classes of machine ({'; '.join(several)}). Ratios "
            "of two pairs may be compared, their seconds may not."
        )
    needing = [c.name for c in manifest.claims if any(n.startswith("gpus") for n in c.needs)]
    if needing and not manifest.device.startswith("cuda"):
        yield f"No GPU was used, so {', '.join(needing)} can't be tested."


def _budget(
    evidence: Evidence, judged: Sequence[PairJudgement], rounds: TimedRounds | None
) -> Iterator[str]:
    seeds = len(evidence.manifest.seeds)
    more = [each.pair for each in judged if "seeds" in each.pair.protocol]
    of_pairs = "".join(f", {pair.protocol['seeds']} of {pair.name}" for pair in more)
    timed = f", and {rounds} rounds of each timed pair" if rounds is not None else ""
    yield (
        f"{seeds} seed{'s' * (seeds != 1)}{of_pairs}{timed}. Intervals over rounds describe this "
        "machine's noise; those over seeds describe other trainings of the same length."
    )
    late = [record for record in evidence.records if record.skip == "budget"]
    for rhythm, what in (("rounds", "rounds had decided"), ("seeds", "seeds had shown")):
        pairs = dict.fromkeys(r.pair for r in late if evidence.passes[r.measured].rhythm == rhythm)
        if pairs:
            yield (
                f"{', '.join(pairs)}: the run's time was up before all {what} what they could. "
                "With more time (budget=) intervals are narrower."
            )
    trained: dict[tuple[int, str], list[str]] = {}
    for each in judged:
        for quality in _qualities(each):
            if quality.baseline_steps is not None and quality.baseline is not None:
                told = f"{quality.metric} {quality.baseline:.3g}"
                names = trained.setdefault((quality.baseline_steps, told), [])
                if each.pair.name not in names:
                    names.append(each.pair.name)
    for (steps, told), names in trained.items():
        yield (
            f"{', '.join(names)}: the baseline was trained for {steps} steps and has {told}. What "
            "it, or the gain over it, would be after a longer training is not known from this run."
        )


def _qualities(judged: PairJudgement) -> Iterator[Quality]:
    if judged.quality is not None:
        yield judged.quality
    yield from (verdict.quality for verdict in judged.verdicts if verdict.quality is not None)


def _reconstruction(evidence: Evidence, judged: Sequence[PairJudgement]) -> Iterator[str]:
    held = {verdict.claim for each in judged for verdict in each.verdicts}
    names = [c.name for c in evidence.manifest.claims if c.algorithm == "reconstructed"]
    if mine := [name for name in names if name in held]:
        yield (
            f"{', '.join(mine)}: the algorithm had to be reconstructed, with choices that its "
            "authors may have made otherwise. A claim that fails here fails for this "
            "reconstruction."
        )


def _sources(evidence: Evidence, judged: Sequence[PairJudgement]) -> Iterator[str]:
    held = {verdict.claim for each in judged for verdict in each.verdicts}
    claims = [claim for claim in evidence.manifest.claims if claim.name in held]
    if unread := [claim.name for claim in claims if claim.read == "abstract"]:
        yield (
            f"{', '.join(unread)}: known from an abstract alone. Workloads, network sizes, "
            "baselines and hardware of the papers are guesses where the abstract is silent."
        )
    if ours := [c.name for c in claims if any(r.trust == "ours" for r in c.readings)]:
        yield f"{', '.join(ours)}: the source gives no figure, so what is asked for is ours."


def _chance(evidence: Evidence, pairs: Sequence[PairJudgement]) -> Iterator[str]:
    """Name learners that do no better than guessing, which are beaten by anything."""
    for judged in pairs:
        pair, quality = judged.pair, judged.quality
        chance = next((r.chance for r in evidence.of(pair) if r.chance is not None), None)
        if quality is None or chance is None:
            continue
        for name, mean in (
            (pair.baseline, quality.over_tasks),
            (pair.method, quality.method_over_tasks),
        ):
            if mean is not None and mean.low <= chance:
                yield (
                    f"{pair.name}: {name} has {quality.metric} {mean.estimate:.3g} on "
                    f"{workload_words(pair)}, where guessing has {chance:.3g}."
                )


def _tuning(judged: Sequence[PairJudgement]) -> Iterator[str]:
    swept = {each.pair.name: ", ".join(each.pair.points[0]) for each in judged if each.pair.points}
    fixed = [each.pair.name for each in judged if not each.pair.points]
    if fixed:
        yield (
            f"{', '.join(fixed)}: nothing was tuned. Both members run with the settings that the "
            "suite gives, which may suit one of them better."
        )
    for name, settings in swept.items():
        yield f"{name}: swept over {settings} only."


def _inheritance(judged: Sequence[PairJudgement]) -> Iterator[str]:
    """Name what was not measured of a method because it was shown to be the baseline's."""
    if names := [j.pair.name for j in judged if j.quality is not None and j.quality.inherited]:
        steps = {j.curves.steps for j in judged if j.curves is not None and j.curves.steps}
        over = f" over {max(steps)} steps" if steps else ""
        yield (
            f"{', '.join(names)}: the method's accuracy is inherited, not measured. Its training "
            f"was shown equal to the baseline's to rounding{over}, in float64."
        )
