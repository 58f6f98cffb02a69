"""The gate tells whether a commit made a learner slower, heavier, wrong or less accurate.

In come the words of `gate` (config), which name head and what it is compared with: another revision
(two_trees, whose questions a job asks) or a stored run (stored_run). Out goes a report of findings,
each a measure of a subject with a word, and an exit code; show and junit write it, history keeps it
as lines. What repeats exactly is held to equality (counts, gradient), training to its trajectory
and quality (accuracy), times to a sequential rule (times, sequential).

Which measures are compared stands in the table of measures. The room knows no learner, no suite and
no study by name. Another tree is reached by its workers alone and never imported (trees, checkout).
"""
