"""Studies: one folder a kind of question, found by the registry. Nobody outside names one.

A study's `__init__.py` is its face and imports no torch. Its `measure.py` is loaded in the worker
alone, its `judge.py` and `show.py` when a run is judged and reported.
"""
