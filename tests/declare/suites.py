"""Texts of small suites."""

from __future__ import annotations

PAIR = """
[[pair]]
name = "fast"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how"
"""
AA = """
[[pair]]
name = "aa"
baseline = "reference_maml"
method = "reference_maml"
workload = "sinusoid"
differ = "nothing"
passes = ["step"]
"""
HEAD = 'name = "mine"\nsummary = "My own"\n'
SUITE = HEAD + PAIR + AA
CLAIM = """
[[claim]]
name = "{name}"
paper = "My own"
source = "here"
sentence = "it is twice as fast"
algorithm = "known"
readings = [{{ name = "time", text = "half the time", value = 2.0, measure = "step_time" }}]
"""
CLAIMED = PAIR + 'claims = ["twice"]\n' + AA
