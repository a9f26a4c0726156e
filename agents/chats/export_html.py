"""A conversation as one HTML page to send to somebody: it loads nothing, runs nothing, and prints.

Every message is there, every answer's citations with quote, document and page, which sentences are not carried by the
documents, and which documents are cited at all. What models and documents wrote is text: every character of it is
escaped. Markdown of an answer is drawn with the few elements of ``agents.text.prose_tree``; links and pictures in it
stay the characters they were written with. The page's only links lead to its own quotes; there is no script, and a
content security policy forbids to load anything. Light or dark is as the reader's system has it.

Knows nothing of HTTP or storage: a thread is the plain JSON that ``GET /v1/threads/{id}`` gives.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.chats import told
from agents.chats.told import MARK, Source
from agents.text.inert import inert
from agents.text.prose_tree import Node, tree

__all__ = ["as_html"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TAGS = frozenset(
    "p h3 strong em s ul ol li blockquote code pre div table thead tbody tr th td".split()  # noqa: SIM905
)
_EMPTY = frozenset(("hr", "br"))


def as_html(thread: Mapping[str, Any]) -> str:
    """The thread as one HTML page.

    Args:
        thread: ``title`` and ``messages`` as the API gives them.
    """
    title = html.escape(told.title_of(thread))
    parts = [part for n, message in enumerate(thread["messages"]) for part in _message(message, n)]
    body = "\n".join([*parts, *_documents(thread)])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<p class="kind">Conversation</p>\n<h1 dir="auto">{title}</h1>\n'
        f'<p class="about">{html.escape(told.summary(thread))}</p>\n</header>\n'
        f"{body}\n"
        "<footer><p>Exported from Alcove. Numbers lead to the words they rest on.</p></footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _style() -> str:
    return Path(__file__).with_name("export.css").read_text("utf-8")


def _message(message: Mapping[str, Any], at: int) -> Iterator[str]:
    asked = message["role"] == "user"
    kind = "question" if asked else "refusal" if message["abstained"] else "answer"
    time = told.time_of(message)
    yield f'<section class="{kind}">'
    yield f'<div class="head"><h2>{html.escape(told.heading(message))}</h2>'
    yield f'<p class="time">{html.escape(time)} UTC</p></div>' if time else "</div>"
    if asked:
        yield f'<div class="text" dir="auto">{html.escape(inert(message["content"]))}</div>'
        yield "</section>"
        return
    sources = told.sources(message)
    if message["content"]:
        yield f'<div class="prose" dir="auto">{_prose(message, sources, at)}</div>'
    for note in told.notes(message):
        yield f'<p class="note">{html.escape(note)}</p>'
    yield from _sources(sources, at, "Passages" if told.is_search(message) else "Sources")
    yield "</section>"


def _prose(message: Mapping[str, Any], sources: Sequence[Source], at: int) -> str:
    numbers = [source.number for source in sources]
    text, spans = _with_marks(message["content"], told.doubted(message["claims"]))
    nodes = tree(text, numbers, spans)
    return "".join(_drawn(node, at) for node in nodes)


def _with_marks(
    text: str, doubted: Sequence[tuple[int, int]]
) -> tuple[str, Sequence[tuple[int, int]]]:
    """The text with a mark behind each doubted piece, inside a table's row, and where the pieces are in it."""
    out, at, spans = "", 0, []
    for start, end in doubted:
        inner = text[start:end].rstrip().removesuffix("|").rstrip()
        out += text[at:start]
        spans.append((len(out), len(out) + len(inner)))
        out += f"{inner} {MARK}"
        at = start + len(inner)
    return out + text[at:], spans


def _drawn(node: Node, at: int) -> str:
    if isinstance(node, str):
        return html.escape(node)
    tag, *children = node
    if tag == "cite":
        number = int(str(children[0]))
        return f'<a class="cite" href="#m{at}-{number}">{number}</a>'
    inside = "".join(_drawn(child, at) for child in children)
    if tag == "u":
        return f'<span class="doubted">{inside}</span>'
    if tag in _EMPTY:
        return f"<{tag}>"
    return f"<{tag}>{inside}</{tag}>" if tag in _TAGS else inside


def _sources(sources: Sequence[Source], at: int, heading: str) -> Iterator[str]:
    if not sources:
        return
    yield f'<h3 class="label">{heading}</h3>\n<ol class="sources">'
    first = {source.number: source for source in reversed(sources)}  # where a number leads to
    for source in sources:
        id = f' id="m{at}-{source.number}"' if first[source.number] is source else ""
        page = f' <span class="page">page {int(source.page)}</span>' if source.page else ""
        yield (
            f'<li{id}><p class="where"><span class="number">{source.number}</span>'
            f' <span class="name" dir="auto">{html.escape(source.name)}</span>{page}</p>'
            f'<blockquote class="quote" dir="auto">{html.escape(source.quote)}</blockquote>'
            f'<p class="path" dir="auto">{html.escape(source.path)}</p></li>'
        )
    yield "</ol>"


def _documents(thread: Mapping[str, Any]) -> Iterator[str]:
    cited = told.cited_documents(thread)
    if not cited:
        return
    yield '<section class="documents">\n<h2>Documents cited</h2>\n<table>'
    yield "<thead><tr><th>Document</th><th>Pages</th><th>Quotes</th></tr></thead>\n<tbody>"
    for document in cited:
        pages = ", ".join(map(str, document.pages)) or "–"
        yield (
            f'<tr><td><span class="name" dir="auto">{html.escape(document.name)}</span>'
            f'<span class="path" dir="auto">{html.escape(document.path)}</span></td>'
            f"<td>{pages}</td><td>{document.quotes}</td></tr>"
        )
    yield "</tbody></table>\n</section>"
