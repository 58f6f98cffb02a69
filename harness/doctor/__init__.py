"""The doctor: whether this machine is fit to measure.

In comes the machine as its system describes it (`machine.py`, `nvidia.py`); out come findings, each
with what it does to a number and how to mend it. What disturbs times stands in `disturbances.py`,
what keeps pairs from being measured in `supplies.py`, what pyperf would tune in `tuning.py`.
Nothing here imports torch, names a process or reads a host's name, a user's or a path.
"""
