"""What scripts/evaluate.py measures and how it is printed."""
