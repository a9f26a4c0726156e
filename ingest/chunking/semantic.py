"""Cuts where the topic changes: where neighbouring sentences mean something else.

LlamaIndex's ``SemanticSplitterNodeParser`` embeds every sentence with the ones beside it and breaks
where the distance from one to the next is among the largest (Kamradt 2023, "5 Levels Of Text
Splitting"). How many breaks there are follows from the size: pieces are half of it on average, since
topics differ in length. A piece that is still too long is cut as the recursive strategy does; a tiny
one joins its neighbour. A heading stays with what follows it; tables and pieces of code count as one
sentence, and source code is cut by its syntax.

Sentences and spans are ours; LlamaIndex's own sentence splitter wants data of NLTK's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import TYPE_CHECKING

from corpus.errors import InternalError
from corpus.records import Chunk, Parsed, Span
from ingest.chunking.cutter import Cutter
from ingest.chunking.drafts import Draft, check_sizes, chunk_of
from ingest.chunking.sections import sections, stretches
from ingest.chunking.sentences import sentences_of
from ingest.chunking.syntax import is_source, source_drafts
from ingest.protocols import Embed, Tokenizer

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

__all__ = ["SemanticChunker"]

_PIECES_PER_SIZE = 2
_AT_ONCE = 2000  # sentences compared with each other; bounds what their vectors take
_Unit = tuple[str, Span]  # "prose", "table" or "code", and where


@dataclass(frozen=True, slots=True)
class SemanticChunker:
    """See the module's docstring; other arguments as for ``RecursiveChunker``.

    Args:
        embed: gives the vectors by which sentences are compared.
    """

    tokenizer: Tokenizer
    embed: Embed
    size: int = 200
    overlap: int = 30
    window: int = 254

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"semantic-{self.size}-{self.overlap}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into chunks, in the order of its text."""
        cutter = Cutter.of(parsed, self.tokenizer, self.size, self.overlap, self.window)
        if is_source(parsed):
            drafts = source_drafts(cutter, parsed)
        else:
            groups = self._topics(cutter, list(_units(parsed)))
            drafts = cutter.joined([draft for group in groups for draft in _cut(cutter, group)])
        return [chunk_of(document_id, parsed, self.name, draft) for draft in drafts]

    def _topics(self, cutter: Cutter, units: Sequence[_Unit]) -> Iterator[Sequence[_Unit]]:
        """Neighbouring units that are about one thing."""
        for start in range(0, len(units), _AT_ONCE):
            part = units[start : start + _AT_ONCE]
            ends = [span.start for _, span in part[1:]] + [part[-1][1].end]
            texts = [
                cutter.text[span.start : end] for (_, span), end in zip(part, ends, strict=True)
            ]
            tokens = cutter.length(part[0][1].start, ends[-1])
            breaks = tokens * _PIECES_PER_SIZE // self.size
            for a, b in pairwise(_borders(texts, self.embed, breaks)):
                yield part[a:b]


def _units(parsed: Parsed) -> Iterator[_Unit]:
    for section in sections(parsed.elements):
        for kind, start, stretch in stretches(section):
            if kind == "prose":
                yield from ((kind, span) for span in sentences_of(start, stretch))
            else:
                yield kind, Span(start, stretch[-1].span.end)


def _cut(cutter: Cutter, topic: Sequence[_Unit]) -> list[Draft]:
    """One topic, as a whole if it fits."""
    start, end = topic[0][1].start, topic[-1][1].end
    whole = cutter.draft(start, end)
    if cutter.length(start, end) <= cutter.budget(whole.headings):
        return [whole]
    drafts: list[Draft] = []
    for (kind, _), group in groupby(topic, lambda unit: (unit[0], unit[0] != "prose" and unit[1])):
        spans = [span for _, span in group]
        drafts += cutter.pieces(kind, spans[0].start, spans[-1].end)
    return cutter.packed(drafts)


def _borders(texts: Sequence[str], embed: Embed, breaks: int) -> list[int]:
    """Where topics begin among ``texts``, as indices; 0 and ``len(texts)`` are the outer ones.

    Raises:
        InternalError: the splitter lost or made up text, so that borders cannot be told.
    """
    if len(texts) < 2 or breaks < 1:
        return [0, len(texts)]
    from llama_index.core.node_parser import SemanticSplitterNodeParser
    from llama_index.core.schema import Document, MetadataMode

    splitter = SemanticSplitterNodeParser(
        embed_model=_embedding_model(embed),
        sentence_splitter=lambda _: list(texts),
        breakpoint_percentile_threshold=_percentile(breaks, len(texts) - 1),
        include_metadata=False,
        include_prev_next_rel=False,
    )
    nodes = splitter.build_semantic_nodes_from_documents([Document(text="".join(texts))])
    ends = list(accumulate(len(node.get_content(MetadataMode.NONE)) for node in nodes))
    index_of = {end: index for index, end in enumerate(accumulate(map(len, texts)), 1)}
    if ends[-1:] != [sum(map(len, texts))] or not index_of.keys() >= set(ends):
        raise InternalError("The topics do not add up to the text; please report this document.")
    return [0, *(index_of[end] for end in ends)]


def _percentile(breaks: int, distances: int) -> int:
    """The percentile of the distances above which about ``breaks`` of them lie."""
    return min(99, max(0, round(100 * (1 - breaks / distances))))


def _embedding_model(embed: Embed) -> BaseEmbedding:
    """``embed`` as LlamaIndex wants it."""
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Model(BaseEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = embed(texts).tolist()
            return vectors

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return Model(model_name="alcove", embed_batch_size=_AT_ONCE)
