"""Fixtures of the service, for the contracts of HTTP."""

from tests.service_bench import bench, indexed_home, llm, plain_bench

__all__ = ["bench", "indexed_home", "llm", "plain_bench"]
