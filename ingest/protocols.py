"""The roles that ingestion lets others play, one Protocol each.

Imports nothing but the records, so that anyone can implement a role without pulling in a framework.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from corpus.records import Chunk, Parsed

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Chunker", "Embed", "Tokenizer"]

Tokenizer = Callable[[str], int]
"""Counts the embedding model's tokens in a text, without the special ones it adds around it."""

Embed = Callable[[Sequence[str]], "Array"]
"""Embeds texts: unit vectors of shape (len(texts), dimension), the same for the same text."""


class Chunker(Protocol):
    """Cuts a document into retrievable chunks.

    Every implementation keeps these promises, to which ``tests/contracts/test_chunkers.py`` holds
    it:

    - a chunk's text is the canonical text at its span, and its window, if it has one, holds it;
    - every character that is not white space is in some chunk;
    - chunks come in the order of the text, and none lies inside another;
    - a chunk with its headings fits the encoder's window, if the size does; with a size beyond the
      window no chunk's text is longer than the size, and the encoder takes it window by window;
    - the same input gives the same chunks.
    """

    name: str
    """The strategy with its parameters, e.g. ``recursive-200-30``; part of every chunk's id."""

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """The chunks of ``parsed`` in the order of the text."""
        ...
