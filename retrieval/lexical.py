"""The lexical index: BM25 with tantivy, over words that are lower-cased, folded to ASCII and stemmed.

Its files are immutable, so the index of the next snapshot starts as hard links to the last one's and only adds.
Scores are tantivy's BM25 (k1 1.2, b 0.75; https://doi.org/10.1561/1500000019) over all live chunks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged
from corpus.home import disk_errors, lost_errno
from corpus.snapshot import link_tree
from retrieval.protocols import Scope
from retrieval.words import ANALYZER, QueryWords, analyzer, with_parts

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["Entry", "LexicalIndex"]

HEAP_BYTES = 64_000_000
MAX_QUERY_TERMS = (
    256  # the rarest information of a longer query is in its first distinct words already
)
REWRITTEN = frozenset({"meta.json", ".managed.json"})  # the only files tantivy replaces


@dataclass(frozen=True, slots=True)
class Entry:
    """What the indexes know of one chunk; ``text`` is what is searched."""

    key: int
    document: str
    collection: str
    text: str


class LexicalIndex:
    """Reads the lexical part of one snapshot; immutable and safe to share between threads.

    Args:
        folder: the snapshot's ``lexical`` folder, already verified, or ``None`` for an empty index.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._words = QueryWords()
        self._index = None if folder is None else _open(folder)
        self._searcher = None if self._index is None else self._index.searcher()

    def __len__(self) -> int:
        return 0 if self._searcher is None else int(self._searcher.num_docs)

    def search(self, query: str, k: int, scope: Scope | None = None) -> tuple[Keys, Array]:
        """As ``Index.search``; ``query`` is any text. Words that no chunk holds are ignored."""
        words = self._words(query, MAX_QUERY_TERMS)
        if self._searcher is None or not words or k < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        hits = self._searcher.search(self._query(words, scope), limit=k, count=False).hits
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        places = [place for _, place in hits]
        keys = np.array(self._searcher.fast_field_values("key", places), dtype=np.int64)
        best = np.lexsort((keys, -scores))
        return keys[best], scores[best]

    def _query(self, words: list[tuple[str, int]], scope: Scope | None) -> Any:
        from tantivy import Occur, Query

        schema = _schema()
        clauses = [
            (
                Occur.Should,
                Query.boost_query(Query.term_query(schema, "text", word, "freq"), float(n)),
            )
            for word, n in words
        ]
        text = Query.boolean_query(clauses)
        if scope is None:
            return text
        filters = []
        if scope.collections is not None:
            filters.append(Query.term_set_query(schema, "collection", list(scope.collections)))
        if scope.documents is not None:
            filters.append(Query.term_set_query(schema, "document", list(scope.documents)))
        return Query.boolean_query(
            [(Occur.Must, text), *((Occur.Must, Query.const_score_query(f, 0.0)) for f in filters)]
        )

    def write_next(
        self, folder: Path, entries: Iterable[Entry], removed_documents: Iterable[str]
    ) -> None:
        """Write the lexical part of the next snapshot into ``folder``: this index, less the documents, plus entries."""
        import tantivy

        with disk_errors(folder):
            if self._folder is None:
                folder.mkdir()
                index = tantivy.Index(_schema(), path=str(folder))
                index.register_tokenizer(ANALYZER, analyzer())
            else:
                link_tree(self._folder, folder, REWRITTEN)
                index = _open(folder)
            try:
                _write(index, entries, removed_documents)
            except ValueError as exc:  # tantivy-py reports its I/O errors so
                raise OSError(lost_errno(exc, folder), str(exc), str(folder)) from exc


def _write(index: Any, entries: Iterable[Entry], removed_documents: Iterable[str]) -> None:
    import tantivy

    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    for document in removed_documents:
        writer.delete_documents_by_term("document", document)
    for entry in entries:
        writer.add_document(
            tantivy.Document(
                key=entry.key,
                document=entry.document,
                collection=entry.collection,
                text=with_parts(entry.text),
            )
        )
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("key", stored=False, indexed=False, fast=True)
    builder.add_text_field("document", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("collection", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name=ANALYZER, index_option="freq")
    return builder.build()


def _open(folder: Path) -> Any:
    import tantivy

    try:
        index = tantivy.Index.open(str(folder))
    except (ValueError, OSError) as exc:
        raise Damaged(f"{str(folder)!r} is not a lexical index; run `alcove doctor`") from exc
    index.config_reader("manual")  # a snapshot never changes: no thread that looks whether it did
    index.register_tokenizer(ANALYZER, analyzer())
    return index
