"""What the page makes of a run's steps."""

from __future__ import annotations

from agents.records.steps import ApprovalAsked, ApprovalDecided, LimitReached, Planned, Retrieved
from corpus.records import Document, Passage, Span, State
from ui.api.replies import Reply, advance


def passage(number: int) -> Passage:
    document = Document("d", "a.txt", "1", "text/plain", "a", "default", 0, State.INDEXED)
    return Passage(number, document, Span(0, 3), "red", None)


def test_an_agent_that_searches_again_adds_to_the_passages() -> None:
    reply = Reply()
    for number in (1, 2):
        reply = advance(reply, Retrieved((passage(number),), 1, {}))
    assert [p.number for p in reply.passages] == [1, 2]


def test_a_plan_a_limit_and_a_question_are_kept_as_they_are_now() -> None:
    reply = Reply()
    for step in (
        Planned(("find", "compare"), 0),
        ApprovalAsked("a", "1.c", "write_note", {"text": "x"}, ("writes",), "2099"),
        ApprovalAsked("b", "1.d", "write_note", {"text": "y"}, ("writes",), "2099"),
        ApprovalDecided("a", "approved", {"text": "z"}),
        Planned(("find", "compare"), 1),
        LimitReached("calls", "All calls are used."),
    ):
        reply = advance(reply, step)
    assert (reply.plan, reply.planned, reply.limit) == (
        ("find", "compare"),
        1,
        "All calls are used.",
    )
    assert [(q.verdict, q.arguments["text"]) for q in reply.questions] == [
        ("approved", "z"),
        ("", "y"),
    ]
