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
