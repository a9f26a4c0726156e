"""Encoder, indexes, fusion and search."""
