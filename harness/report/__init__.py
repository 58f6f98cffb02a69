"""What a reader is told: a run's manifest, records and judgement in; paper, page, terminal out.

Modules that show something yield parts, each with figures and tables under a heading. `content`
gathers them, `section` merges and numbers them, and `paper.typ`, `page` and `terminal` set the
result without knowing what it is about. `tables` and `figures` are rooms of their own.
Nothing here measures or imports torch, and what is estimated comes from a judge.
"""
