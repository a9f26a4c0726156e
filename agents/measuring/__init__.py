"""Benchmarks that the service runs, and the question sets they are made with."""
