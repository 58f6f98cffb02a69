"""How often the gate's sequential rule errs, by simulation where the truth is known.

    python -m benchmarks.rule                # 4000 gates of one question under every kind of noise
    python -m benchmarks.rule trials=20000

At the threshold itself, the worst place there is, the rule states that it calls slower at most 1 %
of what is not, and lets through at most 5 % of what is. Each simulated gate looks as often as its
rounds allow.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.rates import with_interval
from harness.config import split_words, whole
from harness.errors import HarnessError
from harness.gate.times import Question
from harness.judge.block_values import Taken

THRESHOLD = 0.05
MOST_ROUNDS = 69
WORDS = {"trials": "simulated gates for every noise and ratio (default: 4000)"}

Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]


def normal(rng: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    return rng.normal(0, 0.02, (3, rounds))


def heavy(rng: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    """Times that are mostly good and now and then several times as long."""
    return np.exp(rng.normal(-4, 1.2, (3, rounds)))


def bursts(rng: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    """A neighbour who stays for some rounds, and hits one lane of a round or several."""
    there = np.repeat(rng.random(rounds // 4 + 1) < 0.4, 4)[:rounds]
    return rng.normal(0, 0.01, (3, rounds)) + there * rng.exponential(0.3, (3, rounds))


def drift(rng: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    """A machine that slows down while it is measured: who goes last is hit the most."""
    places = np.argsort(rng.random((3, rounds)), axis=0)
    return rng.normal(0, 0.01, (3, rounds)) + 0.02 * places * np.linspace(0.5, 2, rounds)


NOISES = (normal, heavy, bursts, drift)


def word(noise: Noise, rng: np.random.Generator, ratio: float) -> str:
    """Return what the rule says of rounds with this noise and this true ratio."""
    question = Question("s", "step_time", THRESHOLD, questions=1)
    for base, head, again in noise(rng, MOST_ROUNDS).T:
        question.add(*(Taken((math.exp(log),)) for log in (base, head + math.log(ratio), again)))
        if found := question.decide():
            return found.word
    return "inconclusive"


def words(noise: Noise, ratio: float, trials: int, seed: int = 1) -> Counter[str]:
    """Count what so many gates say."""
    rng = np.random.default_rng(seed)
    return Counter(word(noise, rng, ratio) for _ in range(trials))


def main(given: list[str]) -> int:
    try:
        trials = whole("trials", split_words(given, WORDS).get("trials", "4000"), most=10**6)
    except HarnessError as error:
        print("error:", error, file=sys.stderr)
        return error.exit_code
    for noise in NOISES:
        for ratio in (1.0, 1 + THRESHOLD, 1.1):
            said = words(noise, ratio, trials)
            for each in ("regressed", "same"):
                rate = with_interval(said[each], trials)
                print(f"{noise.__name__:<7} head / base {ratio:.2f}: {each:<9} {rate}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
