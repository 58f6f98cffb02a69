"""A judged run, and what two of them must share for their figures to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.declare.measures import MEASURES
from harness.declare.pair import settings_words
from harness.judge.judgement import Judgement
from harness.judge.noise.run_noise import Noises
from harness.records.manifest import Manifest

ENVIRONMENT = ("cpu", "usable_cores", "os", "machine", "python", "torch", "blas", "cuda", "gpu")

MEMBERSHIP = (
    *("baseline", "method", "workload", "ranks", "cores", "communicator"),
    *("settings", "baseline_settings", "method_settings"),
)
"""What makes a pair the one that it is, beside its sweep: its points are compared one by one."""

TRAINING = ("curve_steps", "curve_every", "curve_tasks", "test_tasks")
"""What of a protocol decides how far a training goes and how its quality is seen."""


def environment_of(probes: Mapping[str, Any], device: str, threads: int) -> dict[str, Any]:
    """Return what two runs must share for their times to be comparable."""
    return {name: probes.get(name) for name in ENVIRONMENT} | {"device": device, "threads": threads}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how two environments differ."""
    return tuple(
        f"{name}: {then[name]}, then {now[name]}" for name in then if then[name] != now[name]
    )


@dataclass(frozen=True)
class JudgedRun:
    """A run and what was judged of it, by the name that it goes by."""

    name: str
    manifest: Manifest
    judgement: Judgement

    @property
    def environment(self) -> dict[str, Any]:
        return environment_of(self.manifest.probes, self.manifest.device, self.manifest.threads)

    @property
    def noises(self) -> Noises:
        return Noises(self.judgement.twins)


@dataclass(frozen=True)
class Unlike:
    """Why pairs of one name are not the same, and why their trainings are not, by the name."""

    pairs: Mapping[str, str]
    trainings: Mapping[str, str]

    @classmethod
    def of(cls, before: JudgedRun, after: JudgedRun) -> Unlike:
        now = {judged.pair.name: judged for judged in after.judgement.pairs}
        pairs, trainings = {}, {}
        for one in (each for each in before.judgement.pairs if each.pair.name in now):
            other = now[one.pair.name]
            found = _unequal(MEMBERSHIP, one.pair, other.pair)
            if None not in (one.data, other.data) and one.data != other.data:
                found.append(f"data: {one.data}, then {other.data}")
            if found:
                pairs[one.pair.name] = f"the pair is not the same in both: {'; '.join(found)}"
            protocols = (
                run.manifest.suite.protocol_of(each.pair)
                for run, each in ((before, one), (after, other))
            )
            if found := _unequal(TRAINING, *protocols):
                trainings[one.pair.name] = f"the trainings are not the same: {'; '.join(found)}"
        return cls(pairs, trainings)

    def why(self, pair: str, measure: str) -> str | None:
        """Say why a measure of a pair can't be compared between the runs, if it can't."""
        by_training = MEASURES.nature(measure) not in ("clock", "count")
        return self.pairs.get(pair) or (self.trainings.get(pair) if by_training else None)


def _unequal(names: Sequence[str], one: object, other: object) -> list[str]:
    values = ((name, getattr(one, name), getattr(other, name)) for name in names)
    return [
        f"{name}: {_told(then)}, then {_told(now)}" for name, then, now in values if then != now
    ]


def _told(value: object) -> str:
    return settings_words(value) or "none" if isinstance(value, dict) else str(value)
