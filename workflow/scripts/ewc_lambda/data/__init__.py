"""Data: from a data set to the tasks of a study, each with its training, validation and test
split.

Imports `errors`, `seeding` and `store`. Start with `scenarios`, which builds the sequence of
tasks; `sources` has a module for each form in which data sets come, `prepared` is the file that
all jobs read.
"""
