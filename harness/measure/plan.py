"""The plan: a suite turned into an ordered list of blocks.

Rounds are interleaved A B, B A, ... and across pairs, so that drift falls on both members alike.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json

from harness.config import RunConfig
from harness.declare.suite import MEMBERS, Member, Pair, Pass, Protocol, Suite
from harness.errors import UsageError
from harness.measure.block import Block

TIMED: tuple[Pass, ...] = ("step", "adaptation", "variant_times")
COUNTED: tuple[Pass, ...] = ("operations", "memory", "growth")

MOST_ROUNDS = 100_000

BATCH = "meta_batch"
"""The setting of a workload that says how many tasks a step has."""


def plan(suite: Suite, config: RunConfig) -> list[Block]:
    """Return every block of a run, in the order in which they are measured."""
    seeds, rounds = config.seeds_of(suite), config.rounds_of(suite)
    if len(suite.pair) * len(seeds) * rounds > MOST_ROUNDS:
        raise UsageError(
            f"{len(suite.pair)} pairs by {len(seeds)} seeds by {rounds} rounds are more than the "
            f"{MOST_ROUNDS} that a run may hold. Ask for fewer seeds= or rounds=."
        )

    def block(pair: Pair, measured: Pass, member: Member, seed: int, round_: int = 0) -> Block:
        return Block(
            pair,
            measured,
            member,
            seed,
            round_,
            suite.protocol,
            pair.threads(member, config.threads),
            config.device,
            config.data_dir,
            config.plugins,
        )

    blocks: list[Block] = []
    checked: set[str] = set()
    for pair in suite.pair:
        for member in MEMBERS if "check" in pair.passes else ():
            team = [pair.processes(member), pair.communication(member)]
            key = json.dumps([pair.learner(member), dict(pair.learner_settings(member)), team])
            if key not in checked:
                checked.add(key)
                blocks.append(block(pair, "check", member, seeds[0]))
    for measured in ("trajectory", *COUNTED):
        for pair in suite.pair:
            if measured in pair.passes:
                blocks += [block(pair, measured, member, seeds[0]) for member in MEMBERS]
    for measured in TIMED:
        for round_, (place, seed) in itertools.product(range(rounds), enumerate(seeds)):
            for pair in suite.pair:
                if measured in pair.passes:
                    order = _order(round_ + place)
                    blocks += [block(pair, measured, member, seed, round_) for member in order]
    # As many for each rank wherever it stands, so that ranks are all that differs.
    most = max(ranks for ranks, _ in suite.protocol.scaling_points)
    each = max(1, config.threads // most)
    for round_, (place, seed) in itertools.product(range(rounds), enumerate(seeds)):
        for pair in suite.pair:
            if "scaling" in pair.passes:
                points = [
                    dataclasses.replace(
                        block(at, "scaling", member, seed, round_), threads=each, tasks=tasks
                    )
                    for at, member, tasks in _scaling(pair, suite.protocol)
                ]
                blocks += points[::-1] if (round_ + place) % 2 else points
    for pair in suite.pair:
        for place, seed in enumerate(seeds if "curve" in pair.passes else ()):
            blocks += [block(pair, "curve", member, seed) for member in _order(place)]
        # Its variants are held to the one that leaves nothing out, which is the baseline's equal.
        blocks += [block(pair, "variants", "method", s) for s in seeds if "variants" in pair.passes]
    return blocks


def _scaling(pair: Pair, protocol: Protocol) -> list[tuple[Pair, Member, int]]:
    """Return the pair as it is with so many ranks and tasks, and which member is measured then.

    The baseline is measured once, beside one rank.
    """

    def at(ranks: int, tasks: int) -> Pair:
        settings = {**pair.settings, BATCH: tasks}
        return dataclasses.replace(pair, ranks=ranks, passes=("scaling",), settings=settings)

    alone = protocol.scaling_batch
    points: list[tuple[Pair, Member, int]] = [(at(1, alone), "baseline", alone)]
    return [*points, *((at(*point), "method", point[1]) for point in protocol.scaling_points)]


def _order(number: int) -> tuple[Member, ...]:
    """Return the members, turned round at every other number."""
    return MEMBERS[::-1] if number % 2 else MEMBERS


def plan_hash(blocks: list[Block]) -> str:
    """Return a hash of all that the blocks would measure, but for where data and plugins lie."""
    neutral = [
        json.dumps(
            dataclasses.asdict(
                dataclasses.replace(b, data_dir=None if b.data_dir is None else "given", plugins=())
            ),
            sort_keys=True,
        )
        for b in blocks
    ]
    return hashlib.sha256("\n".join(neutral).encode()).hexdigest()[:16]
