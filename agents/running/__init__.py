"""Runs: worked on in the service, watched from pages, waiting for a person's decision."""
