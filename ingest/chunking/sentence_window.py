"""Single sentences are matched, and what stands around them is read.

One to three sentences are embedded, so that a match is precise; ``Chunk.window`` spans them and the
sentences around, so that what a reader or an answer engine is shown makes sense. A window never
crosses a heading, a table or a piece of code; these are cut as the recursive strategy does, and
source code by its syntax. A sentence too long for the size is cut.

LlamaIndex's ``SentenceWindowNodeParser`` does the same for strings; it joins the sentences with
spaces of its own, so that its windows cannot be found again in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corpus.errors import UserError
from corpus.records import Chunk, Element, Parsed, Span
from ingest.chunking.cutter import Cutter
from ingest.chunking.drafts import Draft, check_sizes, chunk_of
from ingest.chunking.sections import sections, stretches
from ingest.chunking.sentences import sentences_of
from ingest.chunking.syntax import is_source, source_drafts
from ingest.protocols import Tokenizer

__all__ = ["SentenceWindowChunker"]


@dataclass(frozen=True, slots=True)
class SentenceWindowChunker:
    """See the module's docstring.

    Args:
        tokenizer: counts the embedding model's tokens.
        size: tokens that what is embedded should not exceed.
        overlap: not used.
        window: tokens that the encoder sees at once, special ones not counted.
        sentences: embedded together.
        around: sentences shown before them, and as many after.
    """

    tokenizer: Tokenizer
    size: int = 200
    overlap: int = 0
    window: int = 254
    sentences: int = 1
    around: int = 3

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)
        if self.sentences < 1 or self.around < 0:
            raise UserError(
                f"{self.sentences!r} sentences with {self.around!r} on each side cannot be used: "
                "embed at least one, and show none or more around it."
            )

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"sentence_window-{self.sentences}-{self.around}-{self.size}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into chunks, in the order of its text."""
        cutter = Cutter.of(parsed, self.tokenizer, self.size, 0, self.window)
        drafts = (
            source_drafts(cutter, parsed) if is_source(parsed) else self._drafts(cutter, parsed)
        )
        return [chunk_of(document_id, parsed, self.name, draft) for draft in drafts]

    def _drafts(self, cutter: Cutter, parsed: Parsed) -> Iterator[Draft]:
        for section in sections(parsed.elements):
            for kind, start, stretch in stretches(section):
                if kind == "prose":
                    yield from self._windows(cutter, start, stretch)
                else:
                    yield from cutter.pieces(kind, start, stretch[-1].span.end)

    def _windows(self, cutter: Cutter, start: int, elements: Sequence[Element]) -> Iterator[Draft]:
        """Groups of sentences in their windows; the headings at ``start`` go with the first."""
        found = sentences_of(start, elements)
        for first in range(0, len(found), self.sentences):
            last = min(first + self.sentences, len(found)) - 1
            window = Span(
                found[max(0, first - self.around)].start,
                found[min(last + self.around, len(found) - 1)].end,
            )
            for draft in cutter.pieces("prose", found[first].start, found[last].end):
                is_all = (draft.start, draft.end) == (window.start, window.end)
                yield draft if is_all else replace(draft, window=window)
