"""Teams: what the processes that share a learner's work need of each other.

In comes a seat; out goes a communicator that sums over the ranks and counts what it sends. This
room knows neither blocks nor records.
"""
