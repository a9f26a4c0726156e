"""Elements as the document has them, under their headings, with nothing repeated.

A paragraph, a list item, a table stays whole as long as it fits; neighbours of one section that fit
together are one chunk; a table never shares its chunk with prose other than its headings, and no
chunk reaches across a heading. What is too long by itself is cut as the recursive strategy does,
without an overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.records import Chunk, Element, Parsed
from ingest.chunking.cutter import Cutter
from ingest.chunking.drafts import Draft, check_sizes, chunk_of
from ingest.chunking.sections import sections, stretches
from ingest.chunking.syntax import is_source, source_drafts
from ingest.protocols import Tokenizer

__all__ = ["StructureChunker"]


@dataclass(frozen=True, slots=True)
class StructureChunker:
    """See the module's docstring; arguments as for ``RecursiveChunker``, but ``overlap`` is not used."""

    tokenizer: Tokenizer
    size: int = 200
    overlap: int = 0
    window: int = 254

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"structure-{self.size}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into chunks, in the order of its text."""
        cutter = Cutter.of(parsed, self.tokenizer, self.size, 0, self.window)
        drafts = source_drafts(cutter, parsed) if is_source(parsed) else _drafts(cutter, parsed)
        return [chunk_of(document_id, parsed, self.name, draft) for draft in drafts]


def _drafts(cutter: Cutter, parsed: Parsed) -> Iterator[Draft]:
    for section in sections(parsed.elements):
        for kind, start, stretch in stretches(section):
            if kind == "prose":
                yield from cutter.packed(_elements(cutter, start, stretch))
            else:
                yield from cutter.pieces(kind, start, stretch[-1].span.end)


def _elements(cutter: Cutter, start: int, elements: Sequence[Element]) -> list[Draft]:
    """Each element by itself, the first of them with the headings that begin at ``start``."""
    drafts: list[Draft] = []
    for element in elements:
        drafts += cutter.pieces("prose", start, element.span.end)
        start = element.span.end
    return drafts
