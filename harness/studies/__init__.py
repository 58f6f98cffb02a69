"""Kinds of question, a folder each: what is measured for it, how that is judged and shown.

A study's `show` yields parts of the report and says what stands in claims.json; see `Show`.
"""
