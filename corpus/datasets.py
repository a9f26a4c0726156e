"""Test collections in BEIR's layout, read from a folder.

``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``) and
``qrels/SPLIT.tsv`` with the header line ``query-id  corpus-id  score``, as in Thakur et al. 2021,
"BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models".

A set is read whole or refused: a broken line, an id used twice, a judgement of an unknown query
or document, an empty file each raise a ``UserError`` that names the file and the line. Nothing is
skipped, because a mean over fewer rows than the file holds would be another figure under the same
name. This module knows nothing of indexes, chunks or measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.errors import NotFound, UserError
from corpus.lines import Place, grade_in, lines_of, name_of, read_records, text_of, whole_number
from corpus.records import Judgement

__all__ = [
    "Dataset",
    "DatasetDocument",
    "Query",
    "load_beir",
    "read_documents",
    "refuse_dangling",
]

QRELS_HEADER = ("query-id", "corpus-id", "score")


@dataclass(frozen=True, slots=True)
class DatasetDocument:
    """One document of a test collection; it has no file of its own."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One query; ``metadata`` is whatever else its line held (reference answers, for example)."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A test collection: documents, queries, and judgements of which answers which."""

    name: str
    documents: tuple[DatasetDocument, ...]
    queries: tuple[Query, ...]
    judgements: tuple[Judgement, ...]

    def qrels(self) -> dict[str, dict[str, int]]:
        """Grades by query and document, of the queries that have a relevant document at all.

        A query whose every grade is zero or less cannot be scored (recall would be 0 / 0), so it
        is not among the judged.
        """
        graded: dict[str, dict[str, int]] = {}
        for judgement in self.judgements:
            graded.setdefault(judgement.query, {})[judgement.document] = judgement.grade
        return {query: grades for query, grades in graded.items() if max(grades.values()) > 0}

    def judged(self) -> tuple[Query, ...]:
        """The queries of ``qrels``, in the order of the file."""
        judged = self.qrels()
        return tuple(query for query in self.queries if query.id in judged)


def load_beir(folder: Path, split: str = "test") -> Dataset:
    """Read a folder in BEIR's layout.

    Args:
        folder: holds ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/``; its name names the set.
        split: which file of ``qrels/`` to take, without ``.tsv``. A folder with a single file
            needs no choice: that file is taken whatever its name.

    Raises:
        NotFound: the folder, or a file of it, does not exist.
        UserError: the content is not what the layout says; names file and line.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r}; name one in BEIR's layout.")
    documents = read_documents(folder / "corpus.jsonl")
    queries = read_records(folder / "queries.jsonl", _query)
    path = _split_file(folder / "qrels", split)
    judgements = _read_qrels(path)
    refuse_dangling(judgements, "query", queries, folder / "queries.jsonl")
    refuse_dangling(judgements, "document", documents, folder / "corpus.jsonl")
    return Dataset(
        folder.resolve().name,
        tuple(documents.values()),
        tuple(queries.values()),
        tuple(judgements),
    )


def read_documents(path: Path) -> dict[str, DatasetDocument]:
    """The documents of a ``corpus.jsonl``, by id.

    Raises:
        NotFound: there is no such file. UserError: a line is no document; names file and line.
    """
    return read_records(path, _document)


def _document(record: dict[str, Any], place: Place) -> DatasetDocument:
    return DatasetDocument(
        name_of(record, "_id", place),
        text_of(record, "title", place, default=""),
        text_of(record, "text", place),
    )


def _query(record: dict[str, Any], place: Place) -> Query:
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise place.error(f"'metadata' must be an object, not {metadata!r}")
    return Query(name_of(record, "_id", place), name_of(record, "text", place), metadata)


def _split_file(folder: Path, split: str) -> Path:
    """The file of judgements to take."""
    found = {path.stem: path for path in sorted(folder.glob("*.tsv"))}
    if not found:
        raise NotFound(f"There is no qrels file (*.tsv) in {str(folder)!r}.")
    if len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        raise NotFound(f"{str(folder)!r} has no split {split!r}; choose one of {sorted(found)}.")
    return found[split]


def _read_qrels(path: Path) -> dict[Judgement, Place]:
    """The judgements of a file, each with its place; a pair may be judged once."""
    lines = lines_of(path)
    place, header = next(lines, (Place(path, 1), ""))
    if tuple(header.split("\t")) != QRELS_HEADER:
        raise place.error(f"the header {' <tab> '.join(QRELS_HEADER)!r} was expected")
    judgements: dict[Judgement, Place] = {}
    first_seen: dict[tuple[str, str], int] = {}
    for place, line in lines:
        judgement = _judgement(line, place)
        pair = judgement.query, judgement.document
        if pair in first_seen:
            raise place.error(f"the pair {pair!r} was judged already on line {first_seen[pair]}")
        first_seen[pair] = place.line
        judgements[judgement] = place
    if not judgements:
        raise UserError(f"{str(path)!r} holds no judgement; a set without any measures nothing.")
    return judgements


def _judgement(line: str, place: Place) -> Judgement:
    fields = line.split("\t")
    if len(fields) != len(QRELS_HEADER):
        raise place.error(f"three fields separated by tabs were expected, not {len(fields)}")
    query, document, score = fields
    grade = grade_in(whole_number(score, "the score", place), place, "the score")
    return Judgement(query, document, grade)


def refuse_dangling(
    judgements: Mapping[Judgement, Place], side: str, known: Mapping[str, object], path: Path
) -> None:
    """Refuse judgements of a query or document (``side``) that the set does not hold.

    Args:
        side: ``query`` or ``document``.
        known: whatever there is of that, by id; ``path``: the file that holds it.

    Raises:
        UserError: names file and line of the first such judgement.
    """
    places = [
        (getattr(judgement, side), place)
        for judgement, place in judgements.items()
        if getattr(judgement, side) not in known
    ]
    if places:
        missing, place = places[0]
        raise place.error(
            f"{side} {missing!r} is judged but is not in {path.name!r} (lines like this: "
            f"{len(places)}); complete the one or cut the other"
        )
