"""Questions whose gold is spans of documents, for comparing ways to chunk those documents.

``load_chunk_gold`` reads a folder in the layout of Chroma's evaluation: ``corpora/NAME.md`` and
``questions.jsonl`` with ``{"id", "corpus", "question", "references": [{"content", "start_index",
"end_index"}]}``, where offsets count characters of the corpus. A reference that is not the text at
its offsets is refused, so that no figure is about other text. ``from_placed`` makes the same of
ingested documents and a question set. Knows nothing of chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import NotFound, UserError
from corpus.lines import Place, name_of, read_records, text_of
from corpus.records import Parsed, Span
from eval.indexing import paragraphs
from eval.spans import Placed

__all__ = ["ChunkGold", "GoldQuestion", "from_placed", "load_chunk_gold"]


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question, and where in which documents its answer stands; some gold, always."""

    id: str
    text: str
    gold: tuple[tuple[str, Span], ...]


@dataclass(frozen=True, slots=True)
class ChunkGold:
    """Documents by name, and questions about them."""

    name: str
    documents: Mapping[str, Parsed]
    questions: tuple[GoldQuestion, ...]


def load_chunk_gold(folder: Path) -> ChunkGold:
    """Read a folder in the layout that the module's docstring shows.

    Raises:
        NotFound: the folder, or a file of it, does not exist.
        UserError: the content is not what the layout says; names file and line.
    """
    paths = sorted((folder / "corpora").glob("*.md"))
    if not paths:
        raise NotFound(f"There is no corpora/*.md in {str(folder)!r}; name the folder that has it.")
    documents = {path.stem: paragraphs(_text(path)) for path in paths}
    questions = read_records(
        folder / "questions.jsonl", lambda record, place: _question(record, place, documents)
    )
    return ChunkGold(folder.resolve().name, documents, tuple(questions.values()))


def from_placed(name: str, documents: Mapping[str, Parsed], placed: Iterable[Placed]) -> ChunkGold:
    """The questions of a set whose gold was found in ``documents``, which ``gold`` names by id."""
    questions = (GoldQuestion(p.question.id, p.question.text, p.gold) for p in placed if p.gold)
    return ChunkGold(name, documents, tuple(questions))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise UserError(
            f"{str(path)!r} is not UTF-8 at byte {exc.start}; save it as UTF-8."
        ) from exc


def _question(
    record: dict[str, Any], place: Place, documents: Mapping[str, Parsed]
) -> GoldQuestion:
    corpus = name_of(record, "corpus", place)
    if corpus not in documents:
        raise place.error(f"there is no corpus {corpus!r}; choose one of {sorted(documents)}")
    references = record.get("references")
    if not isinstance(references, list) or not references:
        raise place.error(f"'references' must be a list with an entry, not {references!r}")
    gold = tuple((corpus, _span(entry, place, documents[corpus].text)) for entry in references)
    return GoldQuestion(name_of(record, "id", place), name_of(record, "question", place), gold)


def _span(entry: object, place: Place, text: str) -> Span:
    if not isinstance(entry, dict):
        raise place.error(f"a reference must be an object, not {entry!r}")
    start, end = entry.get("start_index"), entry.get("end_index")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise place.error(f"{start!r} to {end!r} is no place in the corpus")
    if text[start:end] != text_of(entry, "content", place):
        raise place.error(f"the corpus has other text at {start} to {end} than the reference says")
    return Span(start, end)
