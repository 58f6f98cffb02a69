"""The history shows what gates found commit by commit, and where a change came in.

In comes a file of lines, each a measure of one subject at a commit and at its base (entries). They
are joined to chains, in which changes are searched for (chains, changepoints). Out go tables, a
figure and JSON (tables, figure, json, show), which `report` writes as it does a run's.

The room knows nothing of how a gate measures or decides: a line says all of it. Lines are read that
other versions wrote, so a measure may be unknown to the table of measures.
"""
