"""Warm starts: on one machine, jobs are forked from a process that has the library imported.

`starts` begins the helper with a run and ends it with it; `client` is what a job's own process runs
in place of its script; `helper` waits for clients and forks; `child` is what runs the script there.
Nothing of it is part of what made a result, and a job that finds no helper starts by itself.
"""
