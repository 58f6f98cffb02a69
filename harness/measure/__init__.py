"""Measuring: a suite becomes a plan of blocks, and each block a record, by a worker of its own.

In come a suite and what a run was asked for; out go records in a run's folder. This room judges
nothing, and knows neither the judge nor the report.
"""
