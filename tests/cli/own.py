"""A suite and a plugin of one's own, as text."""

from __future__ import annotations

SUITE = """
name = "mine"
summary = "My own"
verdicts = false

[[pair]]
name = "fast"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how"
passes = ["step"]
"""
METHOD = """
from harness.registry import method

@method("{name}")
class Mine:
    \"\"\"My own method.\"\"\"
"""
