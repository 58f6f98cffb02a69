"""Runs of a pair whose method has variants, as the harness would have left them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.declare.claims import Claim, Reading
from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Seen, SeenAt
from harness.records.record import Record
from harness.seeds import derive
from harness.studies.variants import CallOperations, CallTimes, Quality
from tests.judge.builders import PAIR, ROUNDS, SEEDS, checks, record

STUDY: Pair = dataclasses.replace(
    PAIR,
    name="study",
    passes=("check", "operations", "variants", "variant_times", "variant_operations"),
    claims=("third", "better"),
)
NOISE = Pair("noise", "plain", "plain", "toys", "nothing", passes=("variant_times",))

STEPS = (1, 5)
SECONDS = {"full": 0.008, "light": 0.002, "head": 0.001, "half": 0.004}
KNOWN = {"head": "ANIL", "full": "MAML"}
TASKS = 40

THIRD = Claim(
    "third",
    "Paper",
    "here",
    "a third of the time",
    tuple(
        Reading(f"{n} steps", "3 times faster", 3.0, "chosen_time", inner_steps=n)
        for n in (*STEPS, 10)
    ),
    "reconstructed",
)
BETTER = Claim(
    "better",
    "Paper",
    "here",
    "better after one step",
    (Reading("one", "a point better", 0.01, "chosen_gain", "ours", inner_steps=1),),
    "reconstructed",
)

Gain = Callable[[str, int], float]


def no_gain(name: str, seed: int) -> float:
    return 0.0


def _cells(names: Iterable[str], seen: Callable[[str, int, dict[str, Any]], Seen]) -> SeenAt:
    """Return what is seen of every name at every number of steps."""
    known = [*names]
    full = "full" if "full" in known else "plain"
    return [
        (
            {"variant": name, "inner_steps": steps},
            seen(name, steps, {"known_as": KNOWN.get(name, ""), "full": name == full}),
        )
        for name in known
        for steps in STEPS
    ]


def qualities(
    valid: Gain = no_gain,
    test: Gain = no_gain,
    pair: Pair = STUDY,
    worn: float = 0.0,
    **seen: Any,
) -> list[Record[Seen]]:
    """Judge every variant; what it gains over the full one may depend on the seed.

    All alike are worse after five steps than after one, on test tasks, by what they are worn.
    """

    def looked(seed: int) -> SeenAt:
        base = [0.7 + 0.01 * seed + 0.04 * (task % 5 - 2) for task in range(TASKS)]
        rows = {name: tuple(round(b + test(name, seed), 9) for b in base) for name in SECONDS}

        def quality(name: str, steps: int, about: dict[str, Any]) -> Quality:
            judged = tuple(round(q - worn * (steps > 1), 9) for q in rows[name])
            return Quality(0.7 + valid(name, seed), judged, trained_at=1, **about)

        return _cells(SECONDS, quality)

    return [
        record(pair, "variants", "method", seed, several=tuple(looked(seed)), **seen)
        for seed in SEEDS
    ]


def times(
    seconds: Mapping[str, float] | None = None,
    rounds: int = ROUNDS,
    pair: Pair = STUDY,
    lucky: Callable[[str, int], float] = lambda name, round_: 1.0,
) -> list[Record[Seen]]:
    """Time the baseline, which takes 10 ms, and every variant; a round may be kind to one."""
    of_member: dict[str, Mapping[str, float]] = {
        "baseline": {"plain": 0.01},
        "method": {"plain": 0.01} if pair.is_aa else seconds or SECONDS,
    }

    def looked(member: str, seed: int, round_: int) -> SeenAt:
        calls = {}
        for name, each in of_member[member].items():
            drawn = derive(0, pair.name, member, name, seed, round_) / 2**63
            middle = each * (1 + 0.01 * (drawn - 0.5)) * lucky(name, round_)
            calls[name] = (1.5 * middle, middle, 0.9 * middle)

        def called(name: str, steps: int, about: dict[str, Any]) -> CallTimes:
            took = tuple(steps * each for each in calls[name])
            return CallTimes(took, 8 * took[1], 8, **about)

        return _cells(calls, called)

    known = {"measured_s": 1.0, "warmup_steady": True, "steal": 0.0}
    return [
        record(
            pair,
            "variant_times",
            member,
            seed,
            round_,
            several=tuple(looked(member, seed, round_)),
            **known,
        )
        for seed in SEEDS
        for round_ in range(rounds)
        for member in MEMBERS
    ]


def counted(pair: Pair = STUDY) -> list[Record[Seen]]:
    """Count as many operations as a variant takes nanoseconds."""
    seconds = {"plain": 0.01, **SECONDS}

    def flops(name: str, steps: int, about: dict[str, Any]) -> CallOperations:
        return CallOperations(int(1e9 * seconds[name] * steps), **about)

    found = []
    for member, names in (("baseline", ["plain"]), ("method", list(SECONDS))):
        looked = tuple(_cells(names, flops))
        found.append(record(pair, "operations", member, flops=7000, backward_passes=3))
        found.append(record(pair, "variant_operations", member, several=looked))
    return found


def study(
    valid: Gain = no_gain, test: Gain = no_gain, worn: float = 0.0, **of_times: Any
) -> list[Record[Seen]]:
    """Return a whole run of the pair and of the noise beside it."""
    return [
        *checks(STUDY),
        *counted(),
        *times(**of_times),
        *times(pair=NOISE),
        *qualities(valid, test, worn=worn),
    ]
