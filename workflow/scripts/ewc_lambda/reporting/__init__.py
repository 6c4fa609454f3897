"""What people read: the answer in words, tables, the page of findings, and in `plotting` the
figures.

Imports `results` and `inference`. Start with `answers`, which puts a study's measures to the
statistics; everything else shows what it says.
"""
