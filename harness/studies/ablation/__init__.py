"""What a part of a learner adds: one learner against itself, with and without it.

It has no pass of its own: it shows the gain in quality that every pair is judged by.
"""
