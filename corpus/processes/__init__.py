"""Processes that hold others: what Linux offers for it, waiting, and leaving nothing behind."""
