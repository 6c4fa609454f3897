"""Statistics: what measures of replicates and trials say about lambda, and how sure it is.

Imports numpy and scipy, and nothing of the project. Start with `best_lambda`, the statements
about one trial; `across_trials` has those of a whole study, `curve_fit` the curve below both.
docs/statistics.md holds their coverage.
"""
