"""Answers, tools, memory, and the service: the composition root of Alcove."""
