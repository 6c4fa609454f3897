"""The best lambda of Elastic Weight Consolidation, and how sure it is."""

__version__ = "0.1.0"
