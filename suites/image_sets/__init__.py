"""Published image sets for few-shot tasks, read from the user's data_dir.

`table` lists the sets. Each names its layouts; a layout's reader turns what lies in data_dir into a
`Source`, classes of images that are not decoded yet. `packed` decodes a source once, into a
memory-mapped and hashed array, and `split` draws tasks of it. Nothing here downloads or unpacks
anything, imports torch, or knows of a learner.
"""
