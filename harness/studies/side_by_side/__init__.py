"""All learners on one workload, whatever pairs they were measured in.

Costs, quality and gains over the first learner, and a profile of step times over workloads.
"""
