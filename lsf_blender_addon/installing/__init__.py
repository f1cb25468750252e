"""The worker's own Python: made from pinned packages, whole or not at all (standard library alone)."""
