"""From chunks that were matched to the text that is shown."""

from __future__ import annotations

from dataclasses import replace

from agents.answering.citations import check
from agents.answering.passages import gather
from agents.tools import TOOLS, Desk
from corpus.records import Hit, SearchResult, Span
from tests.agents.shelf import Shelf


class WindowShelf(Shelf):
    """A shelf whose chunks have the sentences around them as their window."""

    def search(self, *arguments: object, **options: object) -> SearchResult:
        result = super().search(*arguments, **options)  # type: ignore[arg-type]
        return replace(result, hits=tuple(map(self._windowed, result.hits)))

    def _windowed(self, hit: Hit) -> Hit:
        text = self.text(hit.document.id)
        near = [c for c in self._chunks if c.document == hit.document.id]
        at = next(i for i, chunk in enumerate(near) if chunk.id == hit.chunk.id)
        span = Span(near[max(0, at - 1)].start, near[min(at + 1, len(near) - 1)].end)
        assert text[span.start : span.end].count(hit.chunk.text) == 1
        return replace(hit, chunk=replace(hit.chunk, window=span))


def test_a_chunk_with_a_window_is_shown_as_the_window() -> None:
    shelf = WindowShelf()
    (passage,) = gather(shelf.search("thirty", 1).hits, shelf.text, 6)
    assert passage.text.startswith("Backups run every night at two. They are kept")
    assert passage.text.endswith("Restoring takes forty minutes.")
    assert shelf.text(passage.document.id)[passage.span.start : passage.span.end] == passage.text


def test_windows_that_overlap_are_one_passage() -> None:
    shelf = WindowShelf()
    (passage,) = gather(shelf.search("night restoring", 2).hits, shelf.text, 6)
    assert passage.text == shelf.text(shelf.backups.id).strip()


def test_what_stands_in_the_window_only_can_be_cited() -> None:
    shelf = WindowShelf()
    passages = gather(shelf.search("thirty", 1).hits, shelf.text, 6)
    _, (citation,) = check("Restoring takes forty minutes [1].", passages, shelf.text)
    assert citation.quote == "Restoring takes forty minutes."


def test_the_tool_shows_the_window_too() -> None:
    shelf = WindowShelf()
    desk = Desk(shelf, shelf)
    assert "Restoring takes forty minutes." in TOOLS["search_corpus"]({"query": "thirty"}, desk)
