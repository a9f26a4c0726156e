"""The default strategy: sections by heading, cut by LangChain's recursive splitter where they are
too long.

What stands together and fits together stays together, and a heading always keeps company with the
text below it. Neighbouring pieces of prose overlap by some words. Source code is cut by its syntax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.records import Chunk, Element, Parsed
from ingest.chunking.cutter import Cutter
from ingest.chunking.drafts import Draft, check_sizes, chunk_of
from ingest.chunking.sections import sections, stretches
from ingest.chunking.syntax import is_source, source_drafts
from ingest.protocols import Tokenizer

__all__ = ["RecursiveChunker"]


@dataclass(frozen=True, slots=True)
class RecursiveChunker:
    """See the module's docstring.

    Args:
        tokenizer: counts the embedding model's tokens.
        size: tokens that a chunk's text should not exceed.
        overlap: tokens that a piece of prose repeats of the one before it, at most.
        window: tokens that the encoder sees at once, special ones not counted. Headings and text
            fit in it, unless ``size`` asks for more text than that.
    """

    tokenizer: Tokenizer
    size: int = 200
    overlap: int = 30
    window: int = 254

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"recursive-{self.size}-{self.overlap}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into chunks, in the order of its text."""
        cutter = Cutter.of(parsed, self.tokenizer, self.size, self.overlap, self.window)
        drafts = source_drafts(cutter, parsed) if is_source(parsed) else _drafts(cutter, parsed)
        return [chunk_of(document_id, parsed, self.name, draft) for draft in drafts]


def _drafts(cutter: Cutter, parsed: Parsed) -> list[Draft]:
    found = [draft for section in sections(parsed.elements) for draft in _section(cutter, section)]
    return cutter.joined(found)


def _section(cutter: Cutter, elements: Sequence[Element]) -> list[Draft]:
    """The drafts of one section, which begins with its heading."""
    drafts: list[Draft] = []
    for kind, start, stretch in stretches(elements):
        drafts += cutter.pieces(kind, start, stretch[-1].span.end)
    return cutter.packed(drafts)
