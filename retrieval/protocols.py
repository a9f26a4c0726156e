"""The roles of retrieval. Arrays are C-contiguous ``float32`` unless said otherwise; keys are ``int64`` chunk keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from retrieval.fingerprint import Fingerprint

    Array = np.ndarray[Any, np.dtype[np.float32]]
    Keys = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Encoder", "Index", "Runtime", "Scope"]


class Encoder(Protocol):
    """Turns texts into unit vectors of one embedding space, named by its fingerprint.

    Nothing is cut in silence: the vector of a text that is longer than ``fingerprint.max_tokens`` is the mean of its
    windows' vectors, weighted by their lengths and normalised. A text that fits is embedded whole.
    """

    @property
    def fingerprint(self) -> Fingerprint:
        """The space the vectors live in."""

    def encode_passages(self, texts: Sequence[str]) -> Array:
        """Embed pieces of documents.

        Returns:
            shape (len(texts), fingerprint.dimension), rows of length 1.
        """

    def encode_queries(self, texts: Sequence[str]) -> Array:
        """Embed questions.

        Returns:
            shape (len(texts), fingerprint.dimension), rows of length 1.
        """

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` without the special ones the model adds."""


class Runtime(Protocol):
    """Computes a model's vectors from tokens, on one library and in one arithmetic; may be shared between threads."""

    @property
    def name(self) -> str:
        """Of the library."""

    def vectors(self, ids: Sequence[Sequence[int]]) -> Array:
        """Texts as tokens, special ones included, each of which fits the model's window.

        Returns:
            shape (len(ids), dimension), rows of any length.
        """


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may return: some collections, some documents, or both; ``keys`` are exactly its chunks, sorted.

    ``is_part`` says that these are not all chunks of those documents.
    """

    keys: Keys
    collections: tuple[str, ...] | None = None
    documents: tuple[str, ...] | None = None
    is_part: bool = False


class Index(Protocol):
    """Finds the chunks that score best for a query: a vector for the dense index, words for the lexical one."""

    def search(self, query: Any, k: int, scope: Scope | None = None) -> tuple[Keys, Array]:
        """The best ``k`` keys with their scores, best first, only from ``scope`` if given.

        Returns:
            keys of shape (m,) and scores of shape (m,), m <= k.
        """

    def __len__(self) -> int:
        """How many chunks can be found."""
