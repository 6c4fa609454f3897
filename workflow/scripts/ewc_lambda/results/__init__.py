"""What a study has found so far: the records of runs, the study file that gathers them, and how
far the search is.

Imports `store`, `search`, `inference` and `config`. Start with `runs`, the record of one run;
`study_file` holds all of them and is what every figure, table and answer reads.
"""
