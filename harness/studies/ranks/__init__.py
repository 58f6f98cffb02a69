"""What more processes give: seconds of a step by ranks, measured, and beyond them predicted.

Predictions stand in tables and lines of their own, and no verdict rests on them.
"""
