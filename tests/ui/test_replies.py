"""What the page makes of a run's steps."""

from __future__ import annotations

from agents.steps import Retrieved
from corpus.records import Document, Passage, Span, State
from ui.replies import Reply, advance


def passage(number: int) -> Passage:
    document = Document("d", "a.txt", "1", "text/plain", "a", "default", 0, State.INDEXED)
    return Passage(number, document, Span(0, 3), "red", None)


def test_an_agent_that_searches_again_adds_to_the_passages() -> None:
    reply = Reply()
    for number in (1, 2):
        reply = advance(reply, Retrieved((passage(number),), 1, {}))
    assert [p.number for p in reply.passages] == [1, 2]
