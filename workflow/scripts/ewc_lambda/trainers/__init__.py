"""A user's own training program in place of ours: started, heard, and checked in what it returns.

Imports `errors` and numpy. Start with `calls`, which runs calls in a process of its own; `worker`
is what runs there, `curves` what its losses must be.
"""
