"""Answers, tools and memory, and the service that offers them. Import from the modules."""
