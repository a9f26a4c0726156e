"""Prompts as Alcove makes them: its rules, passages of real documents, and a question. No two are the same.

The rules at the beginning are shared, as they are in use, so that a server's prefix cache does what it would do; the
passages are other ones each time. Lengths are in characters here; the server says how many tokens there were.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import corpus
from agents.prompts import answer_messages
from corpus.errors import UserError
from corpus.questions import load_questions
from corpus.records import Document, Passage, Span, State

__all__ = ["Prompt", "prompts"]

Prompt = list[dict[str, str]]
"""Messages as a chat API takes them."""

SAMPLE = Path(corpus.__file__).parent / "sample"
CHARACTERS_PER_TOKEN = 4.0  # of English prose; what the server counts is reported
PASSAGE = 900  # characters
_TEXTS = ("*.md", "*.txt", "*.csv")


def prompts(tokens: int, seed: int, folder: Path | None = None) -> Iterator[Prompt]:
    """Prompts of about ``tokens`` tokens, without end.

    Args:
        folder: of text files whose passages are used; ``None``: the sample's.

    Raises:
        UserError: the folder holds no text.
    """
    texts = _texts(folder or SAMPLE / "documents")
    questions = [q.text for q in load_questions(SAMPLE / "questions.jsonl").questions]
    draw = random.Random(seed)
    bare = sum(len(text) for _, text in answer_messages(questions[0], ()))
    count = max(1, round((tokens * CHARACTERS_PER_TOKEN - bare) / PASSAGE))
    while True:
        passages = [_passage(number, *draw.choice(texts), draw) for number in range(1, count + 1)]
        asked = f"{draw.choice(questions)} (Reference {draw.randrange(10**9)}.)"
        yield [{"role": role, "content": text} for role, text in answer_messages(asked, passages)]


def _texts(folder: Path) -> list[tuple[str, str]]:
    files = sorted(file for pattern in _TEXTS for file in folder.rglob(pattern))
    found = [(file.name, file.read_text("utf-8", "replace")) for file in files]
    found = [(name, text) for name, text in found if text.strip()]
    if not found:
        raise UserError(f"{str(folder)!r} holds no text; name a folder with .md or .txt files")
    return found


def _passage(number: int, name: str, text: str, draw: random.Random) -> Passage:
    start = draw.randrange(max(1, len(text) - PASSAGE))
    piece = text[start : start + PASSAGE]
    document = Document(name, name, "", "text/plain", name, "load", 0, State.INDEXED)
    return Passage(number, document, Span(start, start + len(piece)), piece, None)
