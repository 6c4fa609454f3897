"""The command `ewc-lambda`: what people do with a study beside running it, a file for each word.

Imports `jobs`, `reporting`, `upkeep` and what is below them; nothing imports it. Start with `main`,
which lists the commands; `named_study` finds the study that a user names.
"""
