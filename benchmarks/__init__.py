"""Benchmarks of the harness itself: how good its own judgements are."""
