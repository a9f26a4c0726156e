"""Benchmarks: retrieval quality on test collections, and answers on question sets."""
