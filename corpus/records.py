"""The nouns: frozen records that every folder passes to the next.

All character offsets are half-open and index into a document's *canonical text*: the one string its parser made,
stored once in the catalog. Pages count from 1. Boxes are fractions of the page, origin at the top left, so they hold
at every rendering size. Ids are derived from content: the same input gives the same id on every machine.

Knows nothing of files, databases or frameworks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "UPLOAD",
    "Box",
    "Chunk",
    "Citation",
    "Document",
    "Element",
    "ElementKind",
    "Hit",
    "Judgement",
    "Page",
    "Parsed",
    "Passage",
    "SearchResult",
    "Span",
    "State",
    "content_id",
]


UPLOAD = "upload:"
"""What the source of a document begins with that came through the page, not from a folder."""


def content_id(*parts: str) -> str:
    """Sixteen hexadecimal digits (63 bits, so it fits a signed 64-bit integer) derived from ``parts``."""
    digest = hashlib.blake2b(
        "\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8
    ).digest()
    return f"{int.from_bytes(digest, 'big') >> 1:016x}"


class State(StrEnum):
    """How a file ended. Exactly one per file; ``reason`` on the document says why, in words."""

    INDEXED = "indexed"
    INDEXED_PARTIAL = "indexed_partial"
    UNCHANGED = "unchanged"
    EMPTY_TEXT = "empty_text"
    UNSUPPORTED_TYPE = "unsupported_type"
    TYPE_MISMATCH = "type_mismatch"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    PARSER_CRASH = "parser_crash"
    UNSAFE_PATH = "unsafe_path"
    UNREADABLE = "unreadable"
    INTERNAL_ERROR = "internal_error"

    @property
    def searchable(self) -> bool:
        """Whether a document in this state has text in the index."""
        return self in (State.INDEXED, State.INDEXED_PARTIAL, State.UNCHANGED)


class ElementKind(StrEnum):
    """What a parsed piece of a document is."""

    TITLE = "title"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    IMAGE_TEXT = "image-text"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``[start, end)`` of a canonical text."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share at least one character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, each side as a fraction (0..1) of the page, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Element:
    """One parsed piece of a document; ``text`` equals the canonical text at ``span``."""

    kind: ElementKind
    text: str
    span: Span
    page: int | None = None
    box: Box | None = None
    level: int = 0  # heading depth (1 = top) when kind is TITLE, else 0
    html: str | None = None  # a table's cells, when the format gives them


@dataclass(frozen=True, slots=True)
class Page:
    """What is known of one page: its part of the canonical text and where that text came from."""

    number: int
    span: Span
    origin: str = "text"  # "text" (a text layer) or "ocr"
    width: float = 0.0  # points (1/72 inch); 0 when the format has no pages of its own
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser makes of one file. ``missing`` lists, in words, whatever could not be read."""

    text: str
    elements: tuple[Element, ...]
    pages: tuple[Page, ...] = ()
    media_type: str = "text/plain"
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A source in a collection, and the state it ended in."""

    id: str
    source: str  # absolute path, or "upload:NAME"
    sha256: str
    media_type: str
    title: str
    collection: str
    pages: int
    state: State
    reason: str = ""
    size: int = 0  # bytes
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The last part of its source."""
        return self.source.removeprefix(UPLOAD).rsplit("/", 1)[-1]

    @staticmethod
    def make_id(collection: str, source: str, sha256: str) -> str:
        """Another version of a document is another document: a stored span can never point into other text."""
        return content_id("document", collection, source, sha256)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A retrievable piece: ``text`` is what is embedded and indexed; ``spans`` say where it stands."""

    id: str
    document: str
    spans: tuple[Span, ...]
    text: str
    headings: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    strategy: str = "recursive"
    window: Span | None = None  # what a reader is shown in its place; None: the chunk itself

    @property
    def start(self) -> int:
        return self.spans[0].start

    @property
    def end(self) -> int:
        return self.spans[-1].end

    @property
    def page(self) -> int | None:
        return self.pages[0] if self.pages else None

    @property
    def key(self) -> int:
        """The id as a non-negative signed 64-bit integer, as vector indexes want it."""
        return int(self.id, 16)

    @staticmethod
    def make_id(document: str, strategy: str, spans: tuple[Span, ...], text: str) -> str:
        where = ",".join(f"{s.start}-{s.end}" for s in spans)
        return content_id("chunk", document, strategy, where, text)


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a query, and how: ranks count from 1, ``None`` where that index did not return it.

    ``duplicates`` are hits of nearly the same text that are shown as this one; ``context`` is the canonical text at
    the chunk's window, where the chunks around it were asked for.
    """

    chunk: Chunk
    document: Document
    score: float
    rank: int
    dense_rank: int | None = None
    lexical_rank: int | None = None
    dense_score: float | None = None  # cosine
    lexical_score: float | None = None  # BM25
    duplicates: tuple[Hit, ...] = ()
    context: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search, all of it from one snapshot. ``timings_ms``: see ``retrieval.timing``."""

    query: str
    snapshot: int
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Passage:
    """What an answer engine is shown: ``text`` equals the canonical text of ``document`` at ``span``."""

    number: int
    document: Document
    span: Span
    text: str
    page: int | None
    headings: tuple[str, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """A checked pointer from an answer into a document; ``quote`` equals the stored text at ``span``."""

    n: int
    document: str
    source: str
    page: int | None
    span: Span
    quote: str
    support: float  # 0..1: how well the quote carries the sentence that cites it


@dataclass(frozen=True, slots=True)
class Judgement:
    """A relevance judgement: which document, or which span of it, answers a query, and how well."""

    query: str
    document: str
    grade: int
    span: Span | None = None
