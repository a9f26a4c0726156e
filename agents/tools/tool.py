"""What a tool is, and what one run of tools may reach.

A tool is data: a name, a description for the model, a schema of its arguments, labels that say what
it can touch, and a function of (arguments, desk). The ``Desk`` is the run's side of it: the
documents in scope and the passages shown so far, numbered across the whole run so that ``[n]`` in
the answer means one passage. What a person may not read is not on their desk: its finder and its
library are limited to them before a tool sees either. Knows nothing of LangChain, which
``agents.acting.loop`` puts around it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.records.labels import Label
from agents.records.protocols import Finder
from agents.text.fences import Fence
from corpus.errors import NotFound, UserError
from corpus.identity import OWNER, Person
from corpus.records import Document, Page, Parsed, Passage, Span

__all__ = [
    "Arguments",
    "Desk",
    "Entry",
    "Label",
    "Library",
    "Memories",
    "Notes",
    "Schema",
    "Tool",
]


class Library(Protocol):
    """The stored documents; ``corpus.catalog.Catalog`` is one."""

    def documents(self, collection: str | None = None) -> Sequence[Document]:
        """The live documents, of one collection or of all."""
        ...

    def text(self, document_id: str) -> str:
        """The canonical text that all spans index into; raises ``NotFound``."""
        ...

    def parsed(self, document_id: str) -> Parsed:
        """Elements and pages; raises ``NotFound``."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory or a note. ``source`` says where it came from; times are ISO 8601 in UTC."""

    id: str
    title: str  # empty for a memory
    text: str
    source: str
    created: str
    updated: str


class Memories(Protocol):
    """What is remembered about a person from one conversation to the next."""

    def remember(self, owner: str, text: str, source: str, key: str = "") -> Entry:
        """Keep a text; the same ``key`` a second time changes nothing."""
        ...

    def recall(self, owner: str, query: str, most: int = 5) -> Sequence[Entry]:
        """The memories nearest to some words, the best first."""
        ...


class Notes(Protocol):
    """Texts a person has had written down, by title."""

    def write(self, owner: str, title: str, text: str, source: str, key: str = "") -> Entry:
        """Write a note, replacing one of the same title; the same ``key`` again changes nothing."""
        ...

    def read(self, owner: str, title: str) -> Entry:
        """The note of this title; raises ``NotFound``."""
        ...

    def notes(self, owner: str) -> Sequence[Entry]:
        """All notes, the last changed first."""
        ...


class Arguments(BaseModel):
    """Base of the arguments of our own tools."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Schema(Protocol):
    """What arguments a tool takes, where that is no ``Arguments`` class of ours."""

    def json_schema(self) -> Mapping[str, Any]:
        """As JSON Schema, an object."""
        ...

    def check(self, arguments: Mapping[str, Any]) -> Any:
        """The arguments as the tool's function takes them; raises ``ValueError`` with what is wrong."""
        ...


@dataclass(slots=True)
class Desk:
    """One run's documents and the passages it has been shown.

    Args:
        finder: searches what the person may read; the desk's collection is always passed on.
        library: the stored documents that the person may read.
        collection: the only collection in scope; ``None`` for all.
        person: whose run it is.
        memories, notes: theirs; ``None`` where there are none, e.g. on the command line.
        source: where the run is, e.g. the id of its thread; kept with what a tool writes.
        key: names the call under way, so that a writing tool that is repeated writes once.
        fence: marks what a tool returns from documents or others as data; see ``agents.text.fences``.
        plain: a person reads the results, not a model: texts need no fences.
        seen: what the call under way has shown, for the first time or again.
        lock: held while a passage is numbered; tools may run at the same time.
    """

    finder: Finder
    library: Library
    collection: str | None = None
    passages: list[Passage] = field(default_factory=list)
    snapshot: int = 0
    person: Person = OWNER
    memories: Memories | None = None
    notes: Notes | None = None
    source: str = ""
    key: str = ""
    fence: Fence = field(default_factory=Fence)
    plain: bool = False
    seen: list[Passage] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def show(
        self,
        document: Document,
        span: Span,
        page: int | None,
        headings: tuple[str, ...] = (),
        score: float = 0.0,
    ) -> Passage:
        """Number the text at ``span`` as a passage; the same span keeps the number it has."""
        text = self.library.text(document.id)[span.start : span.end]
        with self.lock:
            for shown in self.passages:
                if shown.document.id == document.id and shown.span == span:
                    self.seen.append(shown)
                    return shown
            number = len(self.passages) + 1
            passage = Passage(number, document, span, text, page, headings, score)
            self.passages.append(passage)
            self.seen.append(passage)
        return passage

    def quoted(self, what: str, text: str) -> str:
        """A text that others wrote, as the result of a tool: fenced as data where a model reads it.

        Args:
            what: words of ours that say what it is, e.g. ``list of documents``.
            text: theirs.
        """
        return text if self.plain else self.fence.data(what, text)

    def fenced(self, passage: Passage) -> str:
        """A passage as the reader sees it: a model with the id to read its document by."""
        if self.plain:
            return f"[{passage.number}] {passage.text}"
        return self.fence.passage(passage, f"document={passage.document.id}")

    def find_document(self, name: str) -> Document:
        """The document in scope with this id, source, file name (its ending may be left out) or title.

        Raises:
            NotFound: none or several fit; the message says what is there.
        """
        documents = self.library.documents(self.collection)
        for names in (_exact_names, _loose_names, _stem):
            fitting = [d for d in documents if name.strip().casefold() in names(d)]
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                ids = ", ".join(f"{d.id} ({d.source})" for d in fitting[:5])
                raise NotFound(f"{name!r} names several documents; use one of the ids {ids}")
        raise NotFound(f"there is no document {name!r} in reach; search for it first")

    def pages(self, document: Document) -> tuple[Page, ...]:
        """The pages of a document; empty when its format has none."""
        return self.library.parsed(document.id).pages


@dataclass(frozen=True, slots=True)
class Tool:
    """A thing the agent, or a person with a slash command, can do."""

    name: str
    description: str
    schema: type[Arguments] | Schema
    run: Callable[[Any, Desk], str]
    labels: frozenset[Label]
    repeatable: bool = False
    """Whether running it again with the same ``Desk.key`` has no further effect."""

    @property
    def needs_approval(self) -> bool:
        """Whether the agent may only use it once a person has approved of exactly its arguments."""
        return not self.labels.isdisjoint({Label.WRITES, Label.LEAVES_MACHINE})

    @property
    def parameters(self) -> dict[str, Any]:
        """Its arguments as JSON Schema, for a model that is to call it."""
        if isinstance(self.schema, type):
            return self.schema.model_json_schema()
        return dict(self.schema.json_schema())

    def check(self, arguments: Mapping[str, Any]) -> Any:
        """The arguments as ``run`` takes them.

        Raises:
            UserError: they do not fit.
        """
        try:
            if isinstance(self.schema, type):
                return self.schema.model_validate(dict(arguments))
            return self.schema.check(arguments)
        except ValidationError as exc:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
            raise UserError(f"the tool {self.name!r} was called wrongly: {faults}") from exc
        except ValueError as exc:
            raise UserError(f"the tool {self.name!r} was called wrongly: {exc}") from exc

    def __call__(self, arguments: Mapping[str, Any], desk: Desk) -> str:
        """Check the arguments and run.

        Raises:
            UserError: the arguments do not fit, or the tool says why it cannot.
        """
        return self.run(self.check(arguments), desk)


def _exact_names(document: Document) -> set[str]:
    return {document.id, document.source.casefold()}


def _loose_names(document: Document) -> set[str]:
    return {document.file_name.casefold(), document.title.casefold()}


def _stem(document: Document) -> set[str]:
    return {document.file_name.rpartition(".")[0].casefold()}
