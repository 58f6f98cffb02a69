"""A suite: the pairs that are compared, and the protocol that they are measured by.

Nothing is ever compared that is not a declared pair. Reading a suite checks its shape; checking
that the learners, workloads and claims it names exist is `resolve`, which loads none of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.declare.claims import Claim, by_name
from harness.declare.settings import read_toml
from harness.errors import UnknownName, UsageError
from harness.registry import Registry

Pass = Literal[
    "check",
    "trajectory",
    "curve",
    "operations",
    "memory",
    "growth",
    "step",
    "adaptation",
    "variants",
    "variant_times",
    "scaling",
]
Member = Literal["baseline", "method"]
MEMBERS: tuple[Member, Member] = ("baseline", "method")
MOST_RANKS = 256
OF_ONE_PROCESS = ("variants", "variant_times")

NAME = re.compile(r"\w[\w.+-]*")

Scalar = int | float | str | bool


@dataclass(frozen=True)
class Protocol:
    """How blocks are measured. The defaults are those of a run whose numbers are meant to last."""

    seeds: int = 3
    rounds: int = 4
    warmup_s: float = 3.0
    """Most seconds of warm-up; it ends earlier when two halves agree."""
    interval_s: float = 0.1
    """Least seconds of a measured interval."""
    intervals: int = 5
    check_examples: int = 20
    trajectory_steps: int = 5
    curve_steps: int = 200
    curve_every: int = 20
    curve_tasks: int = 100
    test_tasks: int = 300
    growth_steps: tuple[int, ...] = (1, 2, 4, 8)
    """Inner steps at which the growth of memory is looked at."""
    variant_train_steps: int = 200
    """Meta-steps before variants are looked at."""
    variant_steps: tuple[int, ...] = (1, 5, 10)
    """Inner steps at which they are looked at."""
    variant_tasks: int = 100
    """Validation tasks that variants are chosen by."""
    variant_test_tasks: int = 150
    """Test tasks that judge the choice."""
    variant_calls: int = 10
    """Timed adaptations of a variant to one task, in every round."""
    variant_batch: int = 8
    """Tasks in the batch that every variant is timed on as well."""
    scaling_ranks: tuple[int, ...] = (1, 2, 4)
    """Ranks at which scaling is looked at, from one on."""
    scaling_held_out: int = 3
    """Ranks at which it is looked at too, to check what the model of the others predicts."""
    scaling_batch: int = 32
    """Tasks of a step whose batch stays as it is while ranks are added: strong scaling."""
    scaling_share: int = 8
    """Tasks of each rank in a step whose batch grows with the ranks: weak scaling."""
    limit_s: float = 600.0
    """Most seconds of a block; one that hangs is ended."""
    stall_s: float = 60.0
    """Most seconds that a rank waits for another one, which then is taken to hang."""

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if not (min(value, default=0) if isinstance(value, tuple) else value) > 0:
                raise ValueError(f"{each.name} = {value} must be above 0")
        for name in ("growth_steps", "variant_steps", "scaling_ranks"):
            steps = getattr(self, name)
            if any(after <= before for before, after in itertools.pairwise(steps)):
                raise ValueError(f"{name} = {list(steps)} must go upwards")
        if self.scaling_ranks[0] != 1 or len(self.scaling_ranks) < 2:
            raise ValueError(
                f"scaling_ranks = {list(self.scaling_ranks)} must begin with 1 and go on"
            )
        if self.scaling_held_out in self.scaling_ranks:
            raise ValueError(
                f"scaling_held_out = {self.scaling_held_out} must not be among scaling_ranks"
            )

    @property
    def scaling_points(self) -> tuple[tuple[int, int], ...]:
        """The ranks that scaling is looked at with and the tasks that they share, each once."""
        ranks = sorted((*self.scaling_ranks, self.scaling_held_out))
        strong = [(each, self.scaling_batch) for each in ranks]
        weak = [(each, self.scaling_share * each) for each in ranks]
        return tuple(dict.fromkeys([*strong, *weak]))


@dataclass(frozen=True)
class Pair:
    """A baseline and a method on one workload, and what may differ between them."""

    name: str
    baseline: str
    method: str
    workload: str
    differ: str
    passes: tuple[Pass, ...] = ("check", "step")
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

    def __post_init__(self) -> None:
        if not 1 <= self.ranks <= MOST_RANKS:
            raise ValueError(f"ranks = {self.ranks} must be from 1 to {MOST_RANKS}")
        if self.ranks > 1 and (alone := [each for each in self.passes if each in OF_ONE_PROCESS]):
            raise ValueError(f"passes = {alone} are those of one process, and ranks = {self.ranks}")

    @property
    def is_aa(self) -> bool:
        """Whether both members are the same: the pair that measures the noise."""
        same = (self.baseline, self.baseline_settings) == (self.method, self.method_settings)
        return same and self.ranks == 1

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
        return self.baseline if member == "baseline" else self.method

    def learner_settings(self, member: Member) -> dict[str, Scalar]:
        return self.baseline_settings if member == "baseline" else self.method_settings


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
    claim: tuple[Claim, ...] = ()
    """Claims of the suite's own, beside those that suites/claims.toml holds for all."""

    def only(self, names: tuple[str, ...]) -> Suite:
        """Return the suite with these pairs alone, and the A/A pairs that their verdicts need."""
        known = {pair.name for pair in self.pair}
        for name in names:
            if name not in known:
                raise UnknownName(f"pair of suite {self.name}", name, known)
        chosen = tuple(p for p in self.pair if p.name in names or (p.is_aa and self.verdicts))
        return dataclasses.replace(self, pair=chosen)


def read_suite(path: Path) -> Suite:
    """Read a suite's file and check its shape."""
    suite = read_toml(Suite, path)
    if not suite.pair:
        raise UsageError(f"{path.name}: no [[pair]] in it. Add one.")
    names = [pair.name for pair in suite.pair]
    for name in (suite.name, *names):
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{path.name}: {name!r} can't be a name on the command line or of a folder. "
                "Use letters, digits and . _ + - alone, and begin with a letter or a digit."
            )
    own = by_name(suite.claim, path)
    used = {name for pair in suite.pair for name in pair.claims}
    if unused := [name for name in own if name not in used]:
        raise UsageError(
            f"{path.name}: no pair is held to claim {unused[0]!r}. "
            "Name it in a pair's claims, or leave it out."
        )
    many = Counter(names)
    for pair in suite.pair:
        if many[pair.name] > 1:
            raise UsageError(f"{path.name}: two pairs are called {pair.name!r}. Rename either.")
        if not pair.passes:
            raise UsageError(f"{path.name}: pair {pair.name!r} has no passes. Name one or more.")
    if suite.verdicts and not any(pair.is_aa for pair in suite.pair):
        raise UsageError(
            f"{path.name}: no A/A pair (a baseline against itself), so the noise is unknown. "
            "Add one, or set verdicts = false."
        )
    timed = [pair for pair in suite.pair if "variant_times" in pair.passes]
    if suite.verdicts and timed and not any(pair.is_aa for pair in timed):
        raise UsageError(
            f"{path.name}: pair {timed[0].name!r} times its variants call by call, and no A/A pair "
            "does, so the noise of such times is unknown. Add variant_times to the passes of an "
            "A/A pair, or set verdicts = false."
        )
    return suite


def resolve(suite: Suite, registry: Registry, published: Mapping[str, Claim]) -> dict[str, Claim]:
    """Check every name in the suite and return the claims that its pairs are held to."""
    for claim in suite.claim:
        if claim.name in published:
            raise UsageError(
                f"suite {suite.name}: its claim {claim.name!r} has the name of a published one "
                f"({published[claim.name].source}). Rename it, or leave it out and be held to that."
            )
    claims = {**published, **{claim.name: claim for claim in suite.claim}}
    for pair in suite.pair:
        # A method is a baseline for itself alone: for its noise, or for fewer ranks of it.
        own = ["method"] if pair.baseline == pair.method else []
        registry.find(pair.baseline, "baseline", *own)
        registry.find(pair.method, "method", "baseline")
        registry.find(pair.workload, "workload")
        for name in pair.claims:
            if name not in claims:
                where = "Claims are [[claim]] tables in suites/claims.toml or in the suite's file."
                raise UnknownName(f"claim of pair {pair.name}", name, claims, where)
    return {name: claims[name] for pair in suite.pair for name in pair.claims}


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


def settings_words(settings: dict[str, Any]) -> str:
    """Write settings as words, for people and for records."""
    return " ".join(f"{key}={value}" for key, value in sorted(settings.items()))
