"""The simulated power of the condition on accuracy is what the suites of patterns say of it."""

from __future__ import annotations

import re
import tomllib

import numpy as np
import pytest

from benchmarks.power import STUDIES, main, passes
from harness.registry import ROOT


def rate(loss: float, tasks: int, trials: int = 300) -> float:
    rng = np.random.default_rng(3)
    return sum(passes(rng, loss, 0.06, 3, tasks) for _ in range(trials)) / trials


def test_who_loses_the_margin_seldom_passes_and_who_loses_less_does_more_often():
    free, half, whole = (rate(loss, 200) for loss in (0.0, 0.005, 0.01))
    assert free > half > whole
    assert whole < 0.1


@pytest.mark.parametrize(("suite", "tasks"), STUDIES.items())
def test_suites_state_what_is_simulated(suite: str, tasks: int):
    text = (ROOT / "suites" / f"{suite}.toml").read_text()
    assert tomllib.loads(text)["study"]["variants"]["test_tasks"] == tasks
    [stated] = re.findall(r"loses nothing\s+(?:# )?passes in (\d+) %", text)
    assert rate(0.0, tasks, 1000) == pytest.approx(int(stated) / 100, abs=0.05)


def test_a_wrong_word_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["seed=5"]) == 2
    assert "did you mean 'seeds'" in capsys.readouterr().err
