"""Steps survive being stored as JSON."""

import json

import pytest

from agents.records.answers import Answer
from agents.records.record_json import citation_json
from agents.records.steps import (
    Answered,
    Cancelled,
    Failed,
    Retrieved,
    Step,
    Token,
    ToolCall,
    ToolResult,
    step_from_json,
)
from corpus.errors import InternalError
from corpus.records import Citation, Document, Passage, Span, State

DOCUMENT = Document(
    id="d1",
    source="/papers/a.pdf",
    sha256="00",
    media_type="application/pdf",
    title="A",
    collection="default",
    pages=3,
    state=State.INDEXED_PARTIAL,
    reason="page 2 could not be read",
    size=10,
    metadata={"author": "x"},
)
PASSAGE = Passage(1, DOCUMENT, Span(5, 9), "text", 2, ("Top", "Sub"), 0.5)
CITATION = Citation(1, "d1", "/papers/a.pdf", 2, Span(5, 9), "text", 0.75)
ANSWER = Answer("Yes [1].", False, "openai", "m", (CITATION,), {"total": 1.5}, True, (PASSAGE,))


@pytest.mark.parametrize(
    "step",
    [
        Retrieved((PASSAGE,), 7, {"total": 1.0}),
        Token("Ye"),
        ToolCall("c1", "search_corpus", {"query": "x", "k": 3}),
        ToolResult("c1", "search_corpus", "no such file", ok=False),
        Answered(ANSWER),
        Failed("ModelTimeout", "The server took too long.", "Ye"),
        Cancelled("Ye"),
    ],
    ids=lambda step: step.kind,
)
def test_a_step_read_back_from_json_equals_the_step(step: Step) -> None:
    stored = json.loads(json.dumps(step.to_json()))
    assert stored["kind"] == step.kind
    assert "n" not in stored  # runs number their events with it
    assert step_from_json(stored) == step


def test_a_citation_has_the_one_json_shape() -> None:
    assert citation_json(CITATION) == {
        "n": 1,
        "document": "d1",
        "source": "/papers/a.pdf",
        "page": 2,
        "start": 5,
        "end": 9,
        "quote": "text",
        "support": 0.75,
    }


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(InternalError, match="'thought'"):
        step_from_json({"kind": "thought"})
