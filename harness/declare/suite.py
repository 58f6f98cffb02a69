"""A suite: the pairs that are compared, and the protocol that they are measured by.

Nothing is ever compared that is not a declared pair. Reading a suite checks its shape; checking
that the learners, workloads and claims it names exist is `resolve`, which loads none of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.component import NAME
from harness.declare.claims import Claim, by_name
from harness.declare.point import OWN, Point, Scalar, key_of
from harness.declare.settings import build, read_toml, shown
from harness.errors import UnknownName, UsageError
from harness.registry import Registry

Member = Literal["baseline", "method", "twin"]
MEMBERS: tuple[Member, Member] = ("baseline", "method")
TWIN: Member = "twin"
"""The baseline once more, in processes of its own: what the two differ by is the pair's noise."""
MOST_RANKS = 256
MOST_OFTEN = 10_000  # seeds or rounds, in a suite as on the command line
MOST_POINTS = 100_000  # of one sweep, which are counted before they are made
LARGEST = 1e9  # of any number of a protocol: a clock counts no more seconds than these


@dataclass(frozen=True)
class Protocol:
    """How blocks are measured. The defaults are those of a run whose numbers are meant to last."""

    seeds: int = 3
    rounds: int = 12
    """Most rounds a seed; they end earlier when what the pair claims of time is decided."""
    warmup_s: float = 3.0
    """Most seconds of warm-up; it ends earlier when two halves agree."""
    interval_s: float = 0.1
    """Least seconds of a measured interval."""
    intervals: int = 5
    budget_s: float = 86_400.0
    """Seconds of a run after which no round begins, less what is expected of trainings to come."""
    precision: float = 0.05
    """Share to which a ratio of times is to be known where no claim decides earlier."""
    check_examples: int = 20
    trajectory_steps: int = 5
    curve_steps: int = 200
    curve_every: int = 20
    curve_tasks: int = 100
    test_tasks: int = 300
    limit_s: float = 600.0
    """Most seconds of a block; one that hangs is ended."""
    stall_s: float = 60.0
    """Most seconds that a rank waits for another one, which then is taken to hang."""

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            most = MOST_OFTEN if each.name in ("seeds", "rounds") else LARGEST
            if not 0 < value <= most:
                raise ValueError(f"{each.name} = {value} must be above 0 and at most {most:,.0f}")


@dataclass(frozen=True)
class Pair:
    """A baseline and a method on one workload, and what may differ between them."""

    name: str
    baseline: str
    method: str
    workload: str
    differ: str
    passes: tuple[str, ...] = ("check", "step")
    claims: tuple[str, ...] = ()
    rival: bool = False
    """Whether the method is not the claims' own, but a rival that is held to the same figures."""
    ranks: int = 1
    """Processes that share the method's work; the baseline always has one."""
    cores: Literal["same", "each"] = "same"
    """Whether both members have the same cores in total, or each process the same."""
    communicator: Literal["torch", "horovod"] = "torch"
    """What the ranks talk to each other with."""
    settings: dict[str, Scalar] = field(default_factory=dict)
    baseline_settings: dict[str, Scalar] = field(default_factory=dict)
    method_settings: dict[str, Scalar] = field(default_factory=dict)
    protocol: dict[str, float] = field(default_factory=dict)
    """What of the suite's protocol is another for this pair, as the length of its curves."""
    sweep: dict[str, tuple[Scalar, ...]] | tuple[dict[str, Scalar], ...] = ()
    """Settings with the values that they go through, in all combinations; or the points themselves.
    A name is a setting of the workload, "ranks", or a member's setting as in "method.decay"."""
    swept: tuple[str, ...] = ()
    """Passes that are taken at the points of the sweep, while `passes` stay at the pair's own
    settings. Without any, all of `passes` are taken at the points and nowhere else."""
    study: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the pair is to a study, by the study's name."""

    def __post_init__(self) -> None:
        if not 1 <= self.ranks <= MOST_RANKS:
            raise ValueError(f"ranks = {self.ranks} must be from 1 to {MOST_RANKS}")
        if self.swept and not self.sweep:
            raise ValueError(f"swept = {list(self.swept)} needs a sweep = {{...}}")
        if isinstance(self.sweep, dict) and (empty := [k for k, v in self.sweep.items() if not v]):
            raise ValueError(f"sweep = {{ {empty[0]} = [] }} has no values")
        if (many := self._most_points) > MOST_POINTS:
            raise ValueError(f"sweep has {many:,} points, but at most {MOST_POINTS:,} are allowed")
        for ranks in {point["ranks"] for point in self.points if "ranks" in point}:
            if not isinstance(ranks, int) or not 1 <= ranks <= MOST_RANKS:
                raise ValueError(f"sweep: ranks = {ranks!r} must be from 1 to {MOST_RANKS}")

    @property
    def _most_points(self) -> int:
        """How many points the sweep has before those that stand in it twice are left out."""
        if isinstance(self.sweep, dict):
            return math.prod(map(len, self.sweep.values()))
        return len(self.sweep)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of the sweep, each once, in the order of the suite."""
        if isinstance(self.sweep, dict):
            values = itertools.product(*self.sweep.values()) if self.sweep else ()
            found: Iterable[Point] = (dict(zip(self.sweep, each, strict=True)) for each in values)
        else:
            found = self.sweep
        return tuple({key_of(point): point for point in found}.values())

    def points_of(self, measured: str) -> tuple[Point, ...]:
        """Return the points that a pass is taken at; the pair's own settings are one of them."""
        if not self.sweep:
            return (OWN,) if measured in self.passes else ()
        if not self.swept:
            return self.points if measured in self.passes else ()
        own = (OWN,) if measured in self.passes else ()
        return own + (self.points if measured in self.swept else ())

    @property
    def every_pass(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.passes, *self.swept)))

    def part_of(self, member: Member, point: Point) -> Point:
        """Return what of a point concerns a member; the other's settings do not."""
        other = "baseline" if member == "method" else "method"
        return {
            name: value
            for name, value in point.items()
            if not name.startswith(f"{other}.") and not (name == "ranks" and member != "method")
        }

    def at(self, point: Point) -> Pair:
        """Return the pair as it is at a point of its sweep."""
        settings, ranks = dict(self.settings), self.ranks
        own = {"baseline": dict(self.baseline_settings), "method": dict(self.method_settings)}
        for name, value in point.items():
            member, _, setting = name.partition(".")
            if name == "ranks":
                ranks = int(value)
            elif setting and member in own:
                own[member][setting] = value
            else:
                settings[name] = value
        return dataclasses.replace(
            self,
            settings=settings,
            baseline_settings=own["baseline"],
            method_settings=own["method"],
            ranks=ranks,
            sweep=(),
            swept=(),
            passes=self.every_pass,
        )

    @property
    def is_aa(self) -> bool:
        """Whether both members are the same: the pair that measures the noise."""
        same = (self.baseline, self.baseline_settings) == (self.method, self.method_settings)
        alike = all(self.part_of("baseline", point) == point for point in self.points)
        return same and self.ranks == 1 and alike

    def processes(self, member: Member) -> int:
        return self.ranks if member == "method" else 1

    def communication(self, member: Member) -> str | None:
        """Return what the member's processes talk to each other with, if there are several."""
        return self.communicator if self.processes(member) > 1 else None

    def threads(self, member: Member, cores: int) -> int:
        """Return the threads of each of the member's processes, where so many cores are given.

        Cores that the ranks can't share evenly stay idle, for the baseline too.
        """
        each = max(1, cores // self.ranks)
        if self.cores == "each" or member == "method":
            return each
        return min(cores, each * self.ranks)

    def learner(self, member: Member) -> str:
        return self.method if member == "method" else self.baseline

    def learner_settings(self, member: Member) -> dict[str, Scalar]:
        return self.method_settings if member == "method" else self.baseline_settings


@dataclass(frozen=True)
class Suite:
    """Pairs, their protocol, and whether their speeds may be judged."""

    name: str
    summary: str
    pair: tuple[Pair, ...]
    protocol: Protocol = Protocol()
    verdicts: bool = True
    """False where the protocol is too short for a verdict on speed; the report says so."""
    quality_verdicts: bool = False
    """Whether quality gained is judged where speed is not: no clock plays a part in it."""
    study: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The settings of studies, by the study's name."""
    claim: tuple[Claim, ...] = ()
    """Claims of the suite's own, beside those that suites/claims.toml holds for all."""

    def protocol_of(self, pair: Pair) -> Protocol:
        """Return how a pair's blocks are measured."""
        if not pair.protocol:
            return self.protocol
        given = {**dataclasses.asdict(self.protocol), **pair.protocol}
        return build(Protocol, given, f"pair {pair.name}, protocol")

    def only(self, names: tuple[str, ...]) -> Suite:
        """Return the suite with these pairs alone."""
        known = {pair.name for pair in self.pair}
        for name in names:
            if name not in known:
                raise UnknownName("pair", name, known, where=f"suite {self.name}")
        return dataclasses.replace(self, pair=tuple(p for p in self.pair if p.name in names))


def read_suite(path: Path) -> Suite:
    """Read a suite's file and check its shape."""
    suite = read_toml(Suite, path)
    if not suite.pair:
        raise UsageError(f"{path.name}: the suite has no [[pair]]. Add one.")
    names = [pair.name for pair in suite.pair]
    for name in (suite.name, *names):
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{path.name}: {shown(name)} is not a valid name. Use 1 to 100 letters, digits and "
                "the characters . _ + - and begin with a letter or a digit."
            )
    own = by_name(suite.claim, path)
    used = {name for pair in suite.pair for name in pair.claims}
    if unused := [name for name in own if name not in used]:
        raise UsageError(
            f"{path.name}: no pair tests claim {unused[0]!r}. "
            "Name it in a pair's claims, or remove it."
        )
    many = Counter(names)
    for pair in suite.pair:
        if many[pair.name] > 1:
            raise UsageError(f"{path.name}: two pairs are named {pair.name!r}. Rename one.")
        if shared := {"seeds", "rounds"} & pair.protocol.keys():
            raise UsageError(
                f"{path.name}: pair {pair.name!r} sets {' and '.join(sorted(shared))} in its "
                "protocol, which are the whole suite's. Set them in [protocol]."
            )
        suite.protocol_of(pair)
        if not pair.passes:
            raise UsageError(f"{path.name}: pair {pair.name!r} has no passes. Give at least one.")
    return suite


def resolve(suite: Suite, registry: Registry, published: Mapping[str, Claim]) -> dict[str, Claim]:
    """Check every name in the suite and return the claims that its pairs are held to.

    They stand in the order of the file that publishes them, and the suite's own come last.
    """
    for claim in suite.claim:
        if claim.name in published:
            raise UsageError(
                f"suite {suite.name}: its claim {claim.name!r} has the name of a published claim "
                f"({published[claim.name].source}). Rename it, or remove it to test that one."
            )
    claims = {**published, **{claim.name: claim for claim in suite.claim}}
    for pair in suite.pair:
        # A method may be what another is held to, as the fastest exact one is for seconds.
        registry.find(pair.baseline, "baseline", "method")
        registry.find(pair.method, "method", "baseline")
        registry.find(pair.workload, "workload")
        for name in pair.claims:
            if name not in claims:
                where = "Claims are [[claim]] tables in suites/claims.toml or in the suite's file."
                raise UnknownName("claim", name, claims, where, f"pair {pair.name}")
        _resolve_passes(pair, registry)
    _resolve_studies(suite, registry)
    held = {name for pair in suite.pair for name in pair.claims}
    return {name: claim for name, claim in claims.items() if name in held}


def _resolve_passes(pair: Pair, registry: Registry) -> None:
    ranks = max(int(point.get("ranks", pair.ranks)) for point in pair.points or (OWN,))
    for name in pair.every_pass:
        if name not in registry.passes:
            raise UnknownName("pass", name, registry.passes, where=f"pair {pair.name}")
        if ranks > 1 and not registry.passes[name].shared:
            raise UsageError(
                f"pair {pair.name}: pass {name} runs in a single process, but ranks = {ranks}. "
                "Remove the pass or the ranks."
            )


def _resolve_studies(suite: Suite, registry: Registry) -> None:
    studies = {each.name: each for each in registry.studies}
    for name, given in suite.study.items():
        if name not in studies:
            raise UnknownName("study", name, studies, where=f"suite {suite.name}")
        studies[name].settings_of(given)
    for pair in suite.pair:
        for name in pair.study:
            if name not in studies:
                raise UnknownName("study", name, studies, where=f"pair {pair.name}")
            studies[name].settings_of_pair(pair)


def find_suite(word: str, folder: Path) -> Path:
    """Return the file of a suite given by name or by path."""
    names = {path.stem: path for path in folder.glob("*.toml") if path.stem != "claims"}
    if word.endswith(".toml") or "/" in word:
        if Path(word).is_file():
            return Path(word)
        raise UsageError(
            f"suite={word}: no such file. Give the path of a TOML file, or one of these names: "
            f"{', '.join(sorted(names))}."
        )
    if word not in names:
        raise UnknownName("suite", word, names, "Or give the path of your own TOML file.")
    return names[word]


def with_settings(name: str, settings: Mapping[str, Any]) -> str:
    """Write a learner or workload with the settings that it runs with."""
    words = settings_words(dict(settings))
    return f"{name} ({words})" if words else name


def workload_words(pair: Pair) -> str:
    return with_settings(pair.workload, pair.settings)


def member_names(pair: Pair) -> tuple[str, str]:
    """Name both members with what tells them apart."""
    baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
    if pair.is_aa:
        return baseline, f"{baseline} again"
    method = with_settings(pair.method, dict(pair.method_settings))
    return baseline, method if pair.ranks == 1 else f"{method}, {pair.ranks} ranks"


def settings_words(settings: dict[str, Any]) -> str:
    """Write settings as words, for people and for records."""
    return " ".join(f"{key}={value}" for key, value in sorted(settings.items()))
