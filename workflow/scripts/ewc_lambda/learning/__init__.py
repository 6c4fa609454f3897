"""Training with the penalty of Elastic Weight Consolidation, for many members at once.

Imports `networks` and `data`. Start with `sequence`, which goes through the tasks; `training` is
one of them, `penalty` what holds the weights, `importance` what weighs each, `members` the
networks that train together.
"""
