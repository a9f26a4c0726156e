"""Gold in the layout of Chroma's evaluation of chunkers: a folder with texts and spans of them.

``corpora/NAME.md`` and ``questions.jsonl`` with ``{"id", "corpus", "question", "references":
[{"content", "start_index", "end_index"}]}``, where offsets count characters of the corpus. A reference
that is not the text at its offsets is refused, so that no figure is about other text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.errors import NotFound, OperatorError, UserError
from corpus.lines import Place, name_of, read_records, text_of
from corpus.records import Parsed, Span
from eval.gold.records import GoldSet, Topic
from eval.indexing import paragraphs

__all__ = ["CORPORA", "load_corpora"]

CORPORA = "corpora"


def load_corpora(folder: Path) -> GoldSet:
    """Read a folder in the layout that the module's docstring shows.

    Raises:
        NotFound: the folder, or a file of it, does not exist.
        UserError: the content is not what the layout says; names file and line.
    """
    paths = sorted((folder / CORPORA).glob("*.md"))
    if not paths:
        raise NotFound(f"There is no corpora/*.md in {str(folder)!r}; name the folder that has it.")
    documents = {path.stem: paragraphs(_text(path)) for path in paths}
    topics = read_records(
        folder / "questions.jsonl", lambda record, place: _topic(record, place, documents)
    )
    return GoldSet(folder.resolve().name, documents, tuple(topics.values()))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise UserError(
            f"{str(path)!r} is not UTF-8 at byte {exc.start}; save it as UTF-8."
        ) from exc
    except OSError as exc:
        raise OperatorError(
            f"{str(path)!r} cannot be read ({exc.strerror or exc}); look at its permissions."
        ) from exc


def _topic(record: dict[str, Any], place: Place, documents: Mapping[str, Parsed]) -> Topic:
    corpus = name_of(record, "corpus", place)
    if corpus not in documents:
        raise place.error(f"there is no corpus {corpus!r}; choose one of {sorted(documents)}")
    references = record.get("references")
    if not isinstance(references, list) or not references:
        raise place.error(f"'references' must be a list with an entry, not {references!r}")
    gold = tuple((corpus, _span(entry, place, documents[corpus].text)) for entry in references)
    return Topic(name_of(record, "id", place), name_of(record, "question", place), gold=gold)


def _span(entry: object, place: Place, text: str) -> Span:
    if not isinstance(entry, dict):
        raise place.error(f"a reference must be an object, not {entry!r}")
    start, end = entry.get("start_index"), entry.get("end_index")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise place.error(f"{start!r} to {end!r} is no place in the corpus")
    if text[start:end] != text_of(entry, "content", place):
        raise place.error(f"the corpus has other text at {start} to {end} than the reference says")
    return Span(start, end)
