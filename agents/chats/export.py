"""A conversation as a Markdown file to keep; as one HTML page, see ``agents.chats.export_html``.

Every message is there, every answer's citations with quote, document and page, which sentences are not carried by the
documents, and which documents are cited at all. What models and documents wrote is text: it stands in code fences and
quotes, where no viewer acts on it.

Knows nothing of HTTP or storage: a thread is the plain JSON that ``GET /v1/threads/{id}`` gives.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.chats import told
from agents.chats.told import MARK
from agents.text.inert import inert

__all__ = ["as_markdown", "marked_text"]

_ACTIVE = re.compile(r"[\\`*_{}\[\]()#+\-.!>|~:@/]")


def marked_text(text: str, claims: Sequence[Mapping[str, Any]], mark: str = MARK) -> str:
    """``text`` with ``mark`` behind each sentence that the documents do not carry."""
    out, at = "", 0
    for _, end in told.doubted(claims):
        out += f"{text[at:end]} {mark}"
        at = end
    return out + text[at:]


def as_markdown(thread: Mapping[str, Any]) -> str:
    """The thread as Markdown.

    Args:
        thread: ``title`` and ``messages`` as the API gives them.
    """
    parts = [f"# {_escaped(told.title_of(thread))}", _escaped(told.summary(thread))]
    for message in thread["messages"]:
        parts += _message(message)
    documents = told.cited_documents(thread)
    if documents:
        lines = "\n".join(f"- {_document(cited)}" for cited in documents)
        parts.append(f"## Documents cited\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    time = told.time_of(message)
    yield f"## {_escaped(told.heading(message))}"
    if time:
        yield f"*{_escaped(time)} UTC*"
    if message["content"]:
        yield _fence(inert(marked_text(message["content"], message["claims"])))
    for note in told.notes(message):
        yield f"*{_escaped(note)}*"
    for source in told.sources(message):
        quote = "\n".join(f"> {_escaped(line)}" for line in source.quote.split("\n"))
        yield f"{source.number}\\. **{_escaped(source.where)}** — {_escaped(source.path)}\n\n{quote}"


def _document(cited: told.Cited) -> str:
    pages = ", ".join(map(str, cited.pages))
    at = f", page{'' if len(cited.pages) == 1 else 's'} {pages}" if pages else ""
    return f"**{_escaped(cited.name)}**{at} — {_escaped(cited.path)}"


def _fence(text: str) -> str:
    """Text in a code fence that it cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _escaped(text: str) -> str:
    """A line in which Markdown acts on nothing and no address becomes a link."""
    return _ACTIVE.sub(lambda found: f"\\{found[0]}", html.escape(text, quote=False))
