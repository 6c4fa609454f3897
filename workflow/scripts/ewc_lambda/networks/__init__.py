"""Networks: a trunk that all tasks share and the heads on it, the project's or a user's, and their
weights in files.

Imports `errors` and `store`. Start with `models`, which says what a network is; `trunks` holds
those that come with the project, `custom_model` reads one of a user's, `weights` saves and loads
them.
"""
