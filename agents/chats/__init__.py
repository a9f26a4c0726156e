"""Conversations as a model is shown them, and as files to keep."""
