"""Recipes: the line that names all that a document depends on besides its bytes.

``PARSER/CHUNKING/SPACE + EXTRA + EXTRA``: the version of the parser, the chunking strategy with its parameters, the key
of the embedding space, and what only some documents depend on. A document whose recipe is no longer today's is made
anew by the next ingestion.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["chunking_of", "making", "recipe", "remade"]

_PLUS = " + "


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
