"""The nouns: what a suite, a pair, a claim, a learner, a workload and a study are.

In come names and plain data from files; out go frozen dataclasses whose every name and type was
checked. This room knows nobody but the registry.
"""
