"""Engines: where blocks are run.

In comes a function's name, a text and a limit of seconds; out comes an answer for every process,
whatever became of it (`engine.py` is the interface, `local.py` this machine, `outcome.py` turns
answers into a block's record). An engine knows neither suites nor what a block measures.
"""
