"""Starts an engine, keeps it answering, and ends it before it takes the machine's memory with it."""
