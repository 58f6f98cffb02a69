"""Noise: what a baseline shows beside itself, and how long to time a pair against it.

In come the times of twins; out go a noise floor for each pair, and whether its rounds have decided
what they were taken for. The rule that adds rounds states its error rates and is the gate's too.
"""
