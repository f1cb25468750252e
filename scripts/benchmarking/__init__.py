"""The figures of ``scripts/benchmark.py``, each made in a process of its own."""
