"""The view of the benchmark runner."""
