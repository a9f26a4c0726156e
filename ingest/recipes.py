"""Recipes: the line that names all that a document depends on besides its bytes.

``PARSER/CHUNKING/SPACE + EXTRA + EXTRA``: the version of the parser, the chunking strategy with its parameters, the key
of the embedding space, and what only some documents depend on. A document whose recipe is no longer today's is made
anew by the next ingestion.

One extra, the last, is a person's word: ``own STRATEGY SIZE`` says that this document is to be cut so, whatever the
settings say. It stays with the source through edits, ingestions and reindexing until somebody takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Own", "chunking_of", "making", "own_of", "recipe", "remade", "with_own"]

_PLUS = " + "
_OWN = "own "


@dataclass(frozen=True, slots=True)
class Own:
    """How one document is cut, whatever the settings say; ``size`` in tokens, 0: as the settings say."""

    strategy: str
    size: int = 0

    def __str__(self) -> str:
        return f"{_OWN}{self.strategy} {self.size}"


def making(chunking: str, space: str) -> str:
    """What the encoder decides: ``CHUNKING/SPACE``."""
    return f"{chunking}/{space}"


def recipe(parser: str, making: str, extras: Iterable[str] = ()) -> str:
    """The whole line; empty extras are left out."""
    return _PLUS.join([f"{parser}/{making}", *filter(None, extras)])


def remade(recipe: str, making: str) -> str:
    """The recipe of the same document, cut and embedded as ``making`` says."""
    parser, _, _ = recipe.partition("/")
    _, plus, extras = recipe.partition(_PLUS)
    return f"{parser}/{making}{plus}{extras}"


def chunking_of(recipe: str) -> str:
    """The chunking strategy with its parameters, e.g. ``recursive-200-30``."""
    first, _, _ = recipe.partition(_PLUS)
    return first.partition("/")[2].rpartition("/")[0]


def own_of(recipe: str) -> Own | None:
    """How this document is to be cut, if a person has said so."""
    last = recipe.rpartition(_PLUS)[2]
    if not last.startswith(_OWN):
        return None
    strategy, _, size = last.removeprefix(_OWN).rpartition(" ")
    return Own(strategy, int(size))


def with_own(recipe: str, own: Own | None) -> str:
    """The recipe of the same document with this word of a person in place of the one it had."""
    if own_of(recipe) is not None:
        recipe = recipe.rpartition(_PLUS)[0]
    return recipe if own is None else f"{recipe}{_PLUS}{own}"
