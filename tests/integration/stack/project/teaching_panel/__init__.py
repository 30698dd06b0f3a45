"""A small Django site that stands in for the real one; it breaks on purpose (faults.py)."""
