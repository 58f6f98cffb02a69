"""A baseline that is damaged in its training, from the run to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.measure.test_run import harness

PLUGIN = Path(__file__).with_name("published_sinusoid.py")

SUITE = """
name = "held"
summary = "for tests"

[protocol]
seeds = 1
rounds = 2
warmup_s = 0.02
interval_s = 0.002
intervals = 2
check_examples = 3
curve_steps = {steps}
curve_every = 5
curve_tasks = 25
test_tasks = 1500

[[claim]]
name = "less-work"
paper = "ours"
source = "this test"
sentence = "it does less"
algorithm = "known"
readings = [{{ name = "work", text = "half the work", value = 2.0, measure = "flops" }}]

[[pair]]
name = "fewer"
baseline = "reference_maml"
method = "batched_maml"
workload = "published_sinusoid"
differ = "how the tasks of a meta-batch are computed"
passes = ["check", "trajectory", "operations", "curve"]
claims = ["less-work"]
settings = {{ outer_lr = {rate} }}
"""


@pytest.mark.parametrize(
    ("rate", "steps", "outcome", "invalid"),
    [
        (0.01, 40, "reached", False),
        (0.0001, 40, "not reached", True),
    ],
)
def test_a_baseline_trained_at_too_small_a_rate_makes_the_verdict_invalid(
    rate: float, steps: int, outcome: str, invalid: bool, tmp_path: Path
) -> None:
    suite = tmp_path / "held.toml"
    suite.write_text(SUITE.format(rate=rate, steps=steps))
    out = tmp_path / "run"
    ran = harness("run", f"suite={suite}", f"plugin={PLUGIN}", f"out={out}", "threads=1")
    assert ran.returncode == 0, ran.stderr
    told = json.loads((out / "claims.json").read_text())
    (held,) = (each for each in told["reference_convergence"] if each["steps"] is not None)
    assert (held["outcome"], held["steps"]) == (outcome, steps)
    assert held["published"]["source"] == "measured once"
    (verdict,) = told["verdicts"]
    assert (verdict["word"] == "invalid") == invalid
    assert ("The baseline is not what was published" in verdict["reason"]) == invalid
    assert "Reference convergence" in ran.stdout
    assert outcome in ran.stdout
    assert "Reference convergence" in (out / "report.html").read_text()
