"""Where a gold set comes from, and how it is read: one ``Source`` for every layout.

=====================================================  ================================================
``dataset``, a folder in BEIR's layout                  documents graded as a whole; ``split`` of its qrels
``dataset``, a folder with ``corpora/``                 spans (``eval/gold/corpora.py``)
``questions`` and ``documents``                         spans, or graded documents, of a folder's files or
                                                        of a collection (``corpus/questions.py``)
``corpus``, ``topics`` and ``qrels``                    documents graded as a whole, in TREC's formats
=====================================================  ================================================

A set is read whole or refused; what is wrong is said with its file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpus.datasets import Dataset, Query, load_beir, read_documents, refuse_dangling
from corpus.errors import NotFound, UserError
from corpus.questions import load_questions
from corpus.trec import load_qrels, load_topics
from eval.gold.corpora import CORPORA, load_corpora
from eval.gold.placing import place_questions
from eval.gold.records import GoldSet, Topic
from eval.gold.shelf import Shelf, Show, shelf_of_collection, shelf_of_folder
from eval.indexing import paragraphs

__all__ = ["COLLECTION", "Source", "load_gold", "load_shelf"]

COLLECTION = "collection:"
"""What ``Source.documents`` begins with where it names a collection, not a folder."""

WAYS = "'dataset'; or 'questions' with 'documents'; or 'corpus' with 'topics' and 'qrels'"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a gold set is, in one of the ways of the module's docstring.

    ``documents`` is the path of a folder, or ``collection:NAME``.

    Raises:
        UserError: it is none of those ways, or several at once.
    """

    dataset: Path | None = None
    split: str = "test"
    questions: Path | None = None
    documents: str | None = None
    corpus: Path | None = None
    topics: Path | None = None
    qrels: Path | None = None

    def __post_init__(self) -> None:
        given = {
            name
            for name in ("dataset", "questions", "documents", "corpus", "topics", "qrels")
            if getattr(self, name) is not None
        }
        ways = ({"dataset"}, {"questions", "documents"}, {"corpus", "topics", "qrels"})
        if given not in ways:
            named = " and ".join(map(repr, sorted(given))) or "nothing"
            raise UserError(f"A source of questions is {WAYS}; {named} was given.")


def load_gold(
    source: Source,
    cache: Path | None = None,
    home: Path | None = None,
    show: Show = lambda done, total: None,
) -> GoldSet:
    """Read a gold set.

    Args:
        cache: the folder of benchmark homes, where a folder of documents is ingested; ``None``:
            ``eval`` in the real home.
        home: the real home, whose settings hold; ``None``: ``ALCOVE_HOME`` or the platform's folder.
        show: called while documents are ingested, with how many are done, and of how many.

    Raises:
        NotFound: a file, folder, split or collection does not exist.
        UserError: something is not what its layout says; names file and line.
        DiskFull, OperatorError: the machine's fault.
    """
    if source.questions is not None and source.documents is not None:
        asked = load_questions(source.questions)
        return place_questions(asked, load_shelf(source.documents, cache, home, show))
    if source.corpus is not None and source.topics is not None and source.qrels is not None:
        return _gold_of(_load_trec(source.corpus, source.topics, source.qrels))
    assert source.dataset is not None  # or there would be no source
    if not source.dataset.is_dir():
        raise NotFound(f"There is no folder {str(source.dataset)!r}; name a dataset that exists.")
    if (source.dataset / CORPORA).is_dir():
        return load_corpora(source.dataset)
    return _gold_of(load_beir(source.dataset, source.split))


def load_shelf(documents: str, cache: Path | None, home: Path | None, show: Show) -> Shelf:
    """The documents of a folder, or of ``collection:NAME``; arguments and errors as ``load_gold``."""
    if documents.startswith(COLLECTION):
        return shelf_of_collection(documents.removeprefix(COLLECTION), home)
    return shelf_of_folder(Path(documents), cache, home, show)


def _load_trec(corpus: Path, topics: Path, qrels: Path) -> Dataset:
    """A test collection of TREC's files; its name is that of the folder of its documents."""
    documents, queries = read_documents(corpus), load_topics(topics)
    places = load_qrels(qrels).places
    refuse_dangling(places, "query", {query.id: query for query in queries}, topics)
    refuse_dangling(places, "document", documents, corpus)
    name = corpus.resolve().parent.name
    return Dataset(name, tuple(documents.values()), queries, tuple(places))


def _gold_of(dataset: Dataset) -> GoldSet:
    """A test collection as a gold set. Queries without a relevant document cannot be scored."""
    qrels = dataset.qrels()
    if not qrels:
        raise UserError(
            f"No query of {dataset.name!r} has a relevant document; there is nothing to measure."
        )
    return GoldSet(
        dataset.name,
        {entry.id: paragraphs(entry.text, entry.title) for entry in dataset.documents},
        tuple(
            Topic(query.id, query.text, answer=_answer(query), grades=qrels[query.id])
            for query in dataset.judged()
        ),
        whole=True,
    )


def _answer(query: Query) -> str:
    """The reference answer, the first where there are several; empty where there is none."""
    listed = query.metadata.get("answers")
    first = listed[0] if isinstance(listed, list) and listed else None
    found = query.metadata.get("answer", first)
    return found if isinstance(found, str) else ""
