"""What people read: the answer in words, the page of findings, in `tables` the tables and in
`plotting` the figures; `contents` lists them all.

Imports `results` and `inference`. Start with `answers`, which puts a study's measures to the
statistics; everything else shows what it says.
"""
