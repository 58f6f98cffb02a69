"""How soon both members of a pair reach target qualities, in steps and in seconds.

Targets are set by rule from the baseline's curves; the ratios at that one enter verdicts.
"""
