"""Looking after finished studies: whether every file is what was written, and a study in one file
to take elsewhere.

Imports `results`, `search` and `store`. Start with `integrity`, which checks a study; `archive`
packs and unpacks one.
"""
