"""The roles that ingestion lets others play, one Protocol each.

Imports nothing but the records, so that anyone can implement a role without pulling in a framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from corpus.records import Chunk, Parsed

__all__ = ["Chunker", "Tokenizer"]

Tokenizer = Callable[[str], int]
"""Counts the embedding model's tokens in a text, without the special ones it adds around it."""


class Chunker(Protocol):
    """Cuts a document into retrievable chunks.

    Every implementation keeps four promises, which ``tests/contracts/test_chunkers.py`` holds it
    to: a chunk's text is the canonical text at its span; every character that is not white space is
    in some chunk; no chunk, with its headings, is longer than the encoder's window; and the same
    input gives the same chunks.
    """

    name: str
    """The strategy with its parameters, e.g. ``recursive-200-30``; part of every chunk's id."""

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """The chunks of ``parsed`` in the order of the text."""
        ...
