"""A method's variants against its full one: which of them are as good, and how fast they are.

Validation tasks and some rounds choose; test tasks and the other rounds judge what was chosen.
"""
