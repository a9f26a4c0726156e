"""Chunking strategies by name: ``make_chunker("recursive", tokenizer)``.

To add one, write a class that keeps the promises of ``ingest.protocols.Chunker`` and enter it in
``_STRATEGIES``; the contract tests then run over it.
"""

from __future__ import annotations

import importlib
from typing import Any, cast

from corpus.errors import UserError
from ingest.protocols import Chunker, Tokenizer

__all__ = ["STRATEGIES", "make_chunker"]

_STRATEGIES: dict[str, str] = {
    "fixed": "fixed:FixedChunker",
    "recursive": "recursive:RecursiveChunker",
}
STRATEGIES = tuple(sorted(_STRATEGIES))


def make_chunker(name: str, tokenizer: Tokenizer, **parameters: Any) -> Chunker:
    """The strategy called ``name``.

    Args:
        name: one of ``STRATEGIES``.
        tokenizer: counts the embedding model's tokens in a text.
        parameters: of the strategy: ``size``, ``overlap`` and ``window``, in tokens.

    Raises:
        UserError: there is no such strategy, or its parameters contradict each other.
    """
    if name not in _STRATEGIES:
        raise UserError(
            f"There is no chunking strategy {name!r}; choose one of {', '.join(STRATEGIES)}."
        )
    module, _, cls = _STRATEGIES[name].partition(":")
    strategy = getattr(importlib.import_module(f"ingest.chunking.{module}"), cls)
    return cast("Chunker", strategy(tokenizer, **parameters))
