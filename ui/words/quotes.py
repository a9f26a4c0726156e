"""Finds words that a person copied in a document's text as it was read.

White space, the bars of tables and capitals may differ: a page shows them otherwise than they are stored.
"""

from __future__ import annotations

import re

__all__ = ["find_quote"]

_GAP = r"[\s|]+"


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Where ``quote`` first stands in ``text``, as [start, end); ``None``: nowhere."""
    words = [re.escape(word) for word in re.split(_GAP, quote) if word]
    if not words:
        return None
    found = re.search(_GAP.join(words), text, re.IGNORECASE)
    return found.span() if found else None
