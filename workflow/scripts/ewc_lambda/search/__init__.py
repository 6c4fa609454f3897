"""The search for lambda: the bracket of a round, its grid, the best step, and what follows.

Imports `errors`, `seeding` and `inference`. Start with `rounds`; `riemann` is the measure that a
search minimizes, `racing` decides which steps get no more replicates.
"""
