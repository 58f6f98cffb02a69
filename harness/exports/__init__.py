"""A run for other tools: one format a module, found by the table in `formats`.

In come a run's results; out go files, the same bytes for the same run. What is withheld from a
report is in no export either. This room knows neither torch nor who measured.
"""
