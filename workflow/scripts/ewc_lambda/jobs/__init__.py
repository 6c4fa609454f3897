"""What the scripts of the rules do: they open a trial, train, and write.

Imports `learning`, `results` and what is below them, and alone sees a `snakemake` object. Start
with `run_job`, which every script passes through, then `open_trial` and `steps`.
"""
