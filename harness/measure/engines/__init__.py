"""Engines: where blocks are run.

In comes a function's name, a text, a limit of seconds and what the call needs; out comes an answer
for every process, whatever became of it. `engine.py` is the interface, `local.py` this machine.
`slurm.py` and `ray.py` send calls to the local engine of another machine: `remote.py` says how, and
`node.py` is what runs there. `outcome.py` turns answers into a block's record.

An engine knows neither suites nor what a block measures.
"""
