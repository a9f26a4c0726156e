"""A conversation as a file to keep: Markdown, or one HTML page that loads nothing.

Both show every message, every answer's citations with quote, source and page, and which sentences
are not carried by the documents. What models and documents wrote is text: in HTML every character of
it is escaped, there is no script, and a content security policy forbids to load anything; links and
pictures stay the characters they were written with. In Markdown they stand in code fences and
quotes, where no viewer acts on them.

Knows nothing of HTTP or storage: a thread is the plain JSON that ``GET /v1/threads/{id}`` gives.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.text.inert import inert, one_line

__all__ = ["MARK", "NOTE", "as_html", "as_markdown", "marked_text"]

MARK = "⚠"
NOTE = f"Sentences marked with {MARK} are not carried by the documents."
_DOUBTED = frozenset({"unsupported", "uncited"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 0.9rem; margin: 2rem 0 0.4rem; color: #555; }
.text, .quote { white-space: pre-wrap; overflow-wrap: anywhere; }
.doubted { text-decoration: underline dotted; text-underline-offset: 0.2em; }
.quote { border-left: 3px solid #ccc; margin: 0.3rem 0 0.8rem; padding-left: 0.8rem; color: #444; }
.note { color: #555; font-size: 0.9rem; }
"""
_WHO = {"user": "Question", "assistant": "Answer"}
_TITLE = 200
_SOURCE = 400
_ACTIVE = re.compile(r"[\\`*_{}\[\]()#+\-.!>|~:@/]")


def marked_text(text: str, claims: Sequence[Mapping[str, Any]], mark: str = MARK) -> str:
    """``text`` with ``mark`` behind each sentence that the documents do not carry."""
    out, at = "", 0
    for claim in _doubted(claims):
        out += f"{text[at : claim['end']]} {mark}"
        at = claim["end"]
    return out + text[at:]


def _doubted(claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = (claim for claim in claims if claim["verdict"] in _DOUBTED)
    return sorted(found, key=lambda claim: claim["start"])


def as_markdown(thread: Mapping[str, Any]) -> str:
    """The thread as Markdown.

    Args:
        thread: ``title`` and ``messages`` as the API gives them.
    """
    parts = [f"# {_escaped(one_line(thread['title'], _TITLE))}"]
    for message in thread["messages"]:
        parts += _markdown_message(message)
    return "\n\n".join(parts) + "\n"


def _markdown_message(message: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {_escaped(_heading(message))}"
    yield _fence(inert(marked_text(message["content"], message["claims"])))
    for note in _notes(message):
        yield f"*{_escaped(note)}*"
    for citation in message["citations"]:
        quote = "\n".join(f"> {_escaped(line)}" for line in inert(citation["quote"]).split("\n"))
        yield f"{citation['n']}\\. {_escaped(_where(citation))}\n\n{quote}"


def _fence(text: str) -> str:
    """Text in a code fence that it cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _escaped(text: str) -> str:
    """A line in which Markdown acts on nothing and no address becomes a link."""
    return _ACTIVE.sub(lambda found: f"\\{found[0]}", html.escape(text, quote=False))


def as_html(thread: Mapping[str, Any]) -> str:
    """The thread as one HTML page; see ``as_markdown``."""
    title = html.escape(one_line(thread["title"], _TITLE))
    body = "\n".join(line for message in thread["messages"] for line in _html_message(message))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _html_message(message: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2>{html.escape(_heading(message))}</h2>"
    yield f'<div class="text" dir="auto">{_html_text(message)}</div>'
    for note in _notes(message):
        yield f'<p class="note">{html.escape(note)}</p>'
    for citation in message["citations"]:
        yield f'<p class="note">[{int(citation["n"])}] {html.escape(_where(citation))}</p>'
        yield f'<blockquote class="quote" dir="auto">{html.escape(inert(citation["quote"]))}</blockquote>'


def _html_text(message: Mapping[str, Any]) -> str:
    text, out, at = message["content"], "", 0
    for claim in _doubted(message["claims"]):
        start, end = claim["start"], claim["end"]
        sentence = html.escape(inert(text[start:end]))
        out += f'{html.escape(inert(text[at:start]))}<span class="doubted">{sentence}</span> {MARK}'
        at = end
    return out + html.escape(inert(text[at:]))


def _heading(message: Mapping[str, Any]) -> str:
    engine = one_line(message["engine"], 40)
    model = one_line(message["model"], 80)
    by = ", ".join(filter(None, [engine, model]))
    return f"{_WHO[message['role']]} ({by})" if by else _WHO[message["role"]]


def _notes(message: Mapping[str, Any]) -> Iterator[str]:
    """What is to be said about an answer besides its text."""
    if _doubted(message["claims"]):
        yield NOTE
    if message["abstained"]:
        yield "The documents do not answer this question."
    if message["interrupted"]:
        yield "This answer stops before its end."
    if message["error"]:
        yield one_line(message["error"], _SOURCE)


def _where(citation: Mapping[str, Any]) -> str:
    page = f", page {citation['page']}" if citation["page"] else ""
    return one_line(citation["source"], _SOURCE) + page
