"""The exit codes of what judges: gates and comparisons of runs.

0   something was compared, and nothing is worse
1   something is worse
2   wrong usage (harness.errors.UsageError)
3   inconclusive
4   nothing was measured, or nothing could be compared
5   different environments
6   a gradient that was right before is wrong now
"""

from __future__ import annotations

PASSED, REGRESSED, INCONCLUSIVE, NOTHING, ELSEWHERE, MISMATCH = 0, 1, 3, 4, 5, 6
