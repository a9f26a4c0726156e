"""Keeps LangChain from reporting anything to LangSmith, whatever the environment says.

LangChain turns tracing on when variables such as ``LANGSMITH_TRACING`` or ``LANGCHAIN_TRACING_V2``
are set, and then sends prompts (which here are private documents) to a hosted service. Inside
``with untraced():`` it does not, in this thread and in every context copied from it. Each place
that calls into LangChain or LangGraph must be inside.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

__all__ = ["forget_tracing", "untraced"]


@contextmanager
def untraced() -> Iterator[None]:
    """Switches tracing off, for the calling context only."""
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        yield


def forget_tracing(environment: MutableMapping[str, str]) -> None:
    """Take away what would make LangChain report to a hosted service, or refuse to work."""
    for name in list(environment):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")):
            del environment[name]
