"""A suite: the pairs that are compared, and the protocol that they are measured by.

Reading a suite checks its shape; checking that the learners, workloads and claims it names exist is
`resolve`, which loads none of them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.component import NAME
from harness.declare.claims import Claim, by_name
from harness.declare.pair import Pair
from harness.declare.point import OWN
from harness.declare.protocol import Protocol
from harness.declare.settings import build, read_toml, shown
from harness.errors import UnknownName, UsageError
from harness.registry import Registry


@dataclass(frozen=True)
class Suite:
    """Pairs, their protocol, and whether their speeds may be judged."""

    name: str
    summary: str
    pair: tuple[Pair, ...]
    protocol: Protocol = field(default_factory=Protocol)
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

    def without_own_seeds(self) -> Suite:
        """Return the suite with no pair that trains with seeds of its own."""
        pairs = (
            dataclasses.replace(p, protocol={n: v for n, v in p.protocol.items() if n != "seeds"})
            for p in self.pair
        )
        return dataclasses.replace(self, pair=tuple(pairs))


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
        if "rounds" in pair.protocol:
            raise UsageError(
                f"{path.name}: pair {pair.name!r} sets rounds in its protocol, which are the whole "
                "suite's. Set them in [protocol]."
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
