"""The config of a study: defaults, checks, the parts that results depend on, and its
documentation.

Imports `errors` and `data`, whose sources check their own keys. Start with `study_config`; the
keys themselves are in workflow/schemas/config.schema.yaml.
"""
