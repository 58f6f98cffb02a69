"""The judge: from a run's manifest and records to verdicts, and from nothing else.

In comes the evidence; out goes a judgement, plain data that holds every figure a report prints.
What may not be shown is withheld here, once. This room knows neither torch nor who measured.
"""
