"""Tokens at spans: the sum of the words' is what the tokenizer says of the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.home import Home
from corpus.records import Parsed, Span
from eval.grid.tokens import TokenCounter
from retrieval.encoder import load_tokenizer
from retrieval.models import resolve
from tests.fakes import HashEncoder

TEXT = "  The gauge (0.2 mm) collects rain;\n\nsnow-flakes, héhé 雪が降る, don't melt.\tIt isn't over  "


@pytest.fixture(params=["hash", "minilm"])
def count(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], int]:
    if request.param == "hash":
        return HashEncoder().count_tokens
    tokenizer = load_tokenizer(resolve("all-minilm-l6-v2", Home(tmp_path)).folder)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def test_every_span_has_the_tokens_of_its_text(count: Callable[[str], int]) -> None:
    counter = TokenCounter({"a": Parsed(TEXT, ())}, count)
    for start in range(len(TEXT)):
        for end in range(start, len(TEXT) + 1):
            assert counter("a", Span(start, end)) == count(TEXT[start:end])


def test_a_word_is_counted_once_however_often_it_stands_there() -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return len(text)

    counter = TokenCounter({"a": Parsed("ab cd ab cd ab", ())}, count)
    assert counter("a", Span(0, 14)) == 10
    assert counter("a", Span(3, 11)) == 6
    assert sorted(asked) == ["ab", "cd"]
