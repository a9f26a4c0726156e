"""Keys by which documents are put in order, looked for and told to be the same; stored beside them, as SQL has none.

Pure functions of text. SQLite calls them by name when it brings an older catalog up to date.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from corpus.records import UPLOAD

__all__ = ["folded", "name_key", "sought_in", "text_key"]

_DIGITS = re.compile(r"\d+")
_WIDTH = 12  # digits that a number is padded to, so that 2 comes before 10


def folded(text: str) -> str:
    """``text`` as it is compared: any case, and any way of writing the same characters, is the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def name_key(source: str) -> str:
    """What a document is put in order by: its file's name, any case, numbers by their size."""
    name = source.removeprefix(UPLOAD).rsplit("/", 1)[-1]
    return _DIGITS.sub(lambda digits: digits[0].zfill(_WIDTH), folded(name))


def sought_in(title: str, source: str) -> str:
    """What the words of a person who looks for a document are looked for in."""
    return folded(f"{title}\n{source}")


def text_key(text: str) -> str:
    """The same for the same canonical text only (128 bits); empty for a text of white space."""
    if not text.strip():
        return ""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
