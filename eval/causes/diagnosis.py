"""Where a search lost the gold that is not among its first hits: the first stage that did.

The stages are those of ``eval/results/records.py``, asked in their order. A piece of gold, a span or a
whole document, is

- ``not parsed`` where no document of that name is searched, or no chunk has a character of it;
- ``split apart`` where no single chunk holds at least half of it (``eval/spans.COVERED``), a chunk
  with a window standing for its window, which is what a reader is shown;
- ``filtered`` where such a chunk is there, and the search was not of it;
- ``not retrieved`` where no index had such a chunk among its first ``k``;
- ``lost in fusion`` where one had, and the joined ranking had not;
- ``lost in rerank`` where that had, and what reranking, collapsing and diversity left had not.

Decides from what a ``Look`` tells; ``eval/causes/home.py`` looks at a home. What becomes of passages
in a prompt and an answer is told by ``eval/causes/answered.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from corpus.records import Chunk, Hit, Span
from eval.gold.records import Topic
from eval.results.records import Loss, Stage
from eval.spans import COVERED, covered

__all__ = ["Held", "Look", "Piece", "Ranks", "diagnose", "holds", "pieces", "shown"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of gold: a span of a document, or (``span`` is ``None``) all of it."""

    document: str
    span: Span | None

    def lost(self, stage: Stage, detail: str) -> Loss:
        """The loss of this piece."""
        span = self.span or Span(0, 0)
        return Loss(self.document, span.start, span.end, stage, detail)


@dataclass(frozen=True, slots=True)
class Held:
    """The chunks of a document that can be searched for; without any, ``why`` says in words why not."""

    chunks: Sequence[Chunk]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Places, counted from 1, of chunks by their id in the rankings that a search was made of.

    ``indexes``: by the name of each index that was asked, as far as it was (``depth``). ``joined``:
    of the ranking before ``refining`` (reranking, say); ``None`` where nothing comes after it, so that
    it is the hits themselves.
    """

    indexes: Mapping[str, Mapping[str, int]]
    depth: int
    joined: Mapping[str, int] | None = None
    refining: str = ""


class Look(Protocol):
    """Looks at what a search was made of; ``eval.causes.home.HomeLook`` is one."""

    def held(self, document: str) -> Held:
        """The chunks of the document that gold and hits call ``document``, whatever was searched."""
        ...

    def excluded(self, chunk: Chunk) -> str:
        """Why the search was not of this chunk, in words; empty if it was."""
        ...

    def ranks(self, query: str) -> Ranks:
        """The rankings of a query, made anew."""
        ...


@dataclass(slots=True)
class _Search:
    """One search of one query; its rankings are made when first asked for, and once."""

    query: str
    hits: Sequence[Hit]
    k: int
    look: Look
    made: Ranks | None = field(default=None)

    def ranks(self) -> Ranks:
        if self.made is None:
            self.made = self.look.ranks(self.query)
        return self.made


def diagnose(topic: Topic, hits: Sequence[Hit], k: int, look: Look) -> tuple[Loss, ...]:
    """Every piece of a topic's gold that its first ``k`` hits do not hold, with the stage that lost it.

    Args:
        topic: judged on its spans if it has any, else on its documents of grade 1 and more.
        hits: of the search that is to be explained, best first, ``k`` of them at least if there were.
        k: passages that an answer would be made of.
        look: at the home that was searched; asked about nothing if all was found.

    Returns:
        lost gold first, then in the order of the gold; at most one entry to a piece.
    """
    losses = [
        Loss(entry.document, 0, 0, Stage.NOT_PARSED, f"{entry.why}: {_short(entry.quote)}")
        for entry in topic.lost
    ]
    search = _Search(topic.text, hits, k, look)
    missing = [piece for piece in pieces(topic) if not _is_among(piece, hits[:k])]
    return (*losses, *(_loss(piece, search) for piece in missing))


def pieces(topic: Topic) -> list[Piece]:
    """The gold of a topic that its documents have, each piece once."""
    if topic.gold or topic.lost:
        return [Piece(document, span) for document, span in dict.fromkeys(topic.gold)]
    return [Piece(document, None) for document, grade in topic.grades.items() if grade > 0]


def shown(chunk: Chunk) -> tuple[Span, ...]:
    """Where a chunk stands as a passage: at its window, if it has one, else at its spans."""
    return (chunk.window,) if chunk.window else chunk.spans


def holds(piece: Piece, document: str, spans: Iterable[Span]) -> bool:
    """Whether one passage, standing at ``spans`` of ``document``, holds a piece of gold."""
    if document != piece.document:
        return False
    return piece.span is None or covered(piece.span, spans) >= COVERED


def _is_among(piece: Piece, hits: Sequence[Hit]) -> bool:
    return any(holds(piece, hit.document.source, shown(hit.chunk)) for hit in hits)


def _loss(piece: Piece, search: _Search) -> Loss:
    held = search.look.held(piece.document)
    if not held.chunks:
        return piece.lost(Stage.NOT_PARSED, held.why)
    holding = [c for c in held.chunks if holds(piece, piece.document, shown(c))]
    if not holding:
        return _not_whole(piece, held.chunks)
    reasons = {chunk.id: search.look.excluded(chunk) for chunk in holding}
    searched = [id for id, reason in reasons.items() if not reason]
    if not searched:
        return piece.lost(Stage.FILTERED, next(iter(reasons.values())))
    return _unranked(piece, searched, search)


def _not_whole(piece: Piece, chunks: Sequence[Chunk]) -> Loss:
    """Of a span that no chunk holds half of."""
    assert piece.span is not None  # every chunk holds a whole document's name
    shares = {chunk.id: covered(piece.span, shown(chunk)) for chunk in chunks}
    parts = [chunk for chunk in chunks if shares[chunk.id]]
    if not parts:
        held = f"none of the document's {len(chunks)} chunks has a character of it"
        return piece.lost(Stage.NOT_PARSED, held)
    most = max(parts, key=lambda chunk: shares[chunk.id])
    where = f"at {most.start} to {most.end}, holds {shares[most.id]:.0%} of it"
    many = (
        f"it is spread over {len(parts)} chunks" if len(parts) > 1 else "one chunk has some of it"
    )
    return piece.lost(Stage.SPLIT, f"{many}; the one with the most, {where}")


def _unranked(piece: Piece, chunks: Sequence[str], search: _Search) -> Loss:
    """Of what was searched, and is not among the first hits."""
    ranks, k = search.ranks(), search.k
    places = {name: _best(chunks, found) for name, found in ranks.indexes.items()}
    said = ", ".join(_said(f"{name} rank", place, ranks.depth) for name, place in places.items())
    final = {hit.chunk.id: rank for rank, hit in enumerate(search.hits, 1)}
    after = _best(chunks, final)
    joined = after if ranks.joined is None else _best(chunks, ranks.joined)
    if ranks.joined is not None and joined is not None and joined <= k:
        return piece.lost(Stage.RERANK, _refined(chunks, joined, after, search, ranks.refining))
    if any(place is not None and place <= k for place in places.values()):
        depth = len(search.hits) if ranks.joined is None else ranks.depth
        return piece.lost(Stage.FUSION, f"{said}; {_said('joined rank', joined, depth)}")
    return piece.lost(Stage.NOT_RETRIEVED, said)


def _refined(
    chunks: Sequence[str], before: int, after: int | None, search: _Search, refining: str
) -> str:
    for hit in search.hits:
        if any(same.chunk.id in chunks for same in hit.duplicates):
            name = hit.document.file_name
            return f"rank {before} before {refining}; shown as a repetition of {name!r}"
    return f"rank {before} before {refining}; {_said('rank after it', after, len(search.hits))}"


def _best(chunks: Iterable[str], places: Mapping[str, int]) -> int | None:
    return min((places[id] for id in chunks if id in places), default=None)


def _said(what: str, place: int | None, depth: int) -> str:
    if place is not None:
        return f"{what} {place}"
    return f"{what.replace(' rank', '')} not among the first {depth}"


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= most else f"{line[: most - 1]}…")
