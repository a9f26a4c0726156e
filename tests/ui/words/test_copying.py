"""An answer as the Markdown that is copied."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from corpus.records import Citation, Span
from tests.agents.payloads import PAYLOADS
from ui.api.replies import Reply
from ui.words.copying import as_markdown

CITATION = Citation(1, "d", "guides/a.pdf", 2, Span(0, 9), "Two\n lines.", 0.9)


def test_an_answer_is_copied_with_its_sources() -> None:
    reply = Reply(text="It is **so** [1].", citations=(CITATION,), finished=True)
    expected = "It is **so** [1].\n\nSources:\n\n1. guides/a.pdf, page 2: “Two lines.”\n"
    assert as_markdown(reply) == expected


def test_a_refusal_is_copied_as_it_stands() -> None:
    assert as_markdown(Reply(text="Nobody says.", abstained=True)) == "Nobody says.\n"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_is_copied_acts_where_it_is_pasted(payload: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).render(as_markdown(Reply(text=payload)))
    for tag in ("<img", "<script", "<iframe", "<a ", "<svg", "<object", "<style", "<form"):
        assert tag not in html.lower()
