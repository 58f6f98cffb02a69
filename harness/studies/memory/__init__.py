"""What memory a step takes: of both members, by inner steps and by the model's size.

Counts of bytes, which have no interval, and none from a pair whose gradient check failed.
"""
