"""Gold spans for chunking: read as they are written, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import NotFound, UserError
from corpus.records import Span
from eval.gold.corpora import load_corpora
from ingest.chunking import STRATEGIES, make_chunker
from tests.fakes import HashEncoder

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("ALCOVE_DATA", ROOT.parent / "shared" / "data")) / "chunking-eval"

TEXT = "Rain is wet.\n\nSnow is cold – and white.\n"
GOLD = {"content": "Snow is cold – and white.", "start_index": 14, "end_index": 39}


def folder(tmp_path: Path, **changes: Any) -> Path:
    (tmp_path / "corpora").mkdir(exist_ok=True)
    (tmp_path / "corpora" / "weather.md").write_text(TEXT, encoding="utf-8")
    question = {"id": "1", "corpus": "weather", "question": "What is snow?", "references": [GOLD]}
    (tmp_path / "questions.jsonl").write_text(json.dumps(question | changes) + "\n")
    return tmp_path


def test_offsets_count_characters_of_the_corpus(tmp_path: Path) -> None:
    gold = load_corpora(folder(tmp_path))
    assert gold.documents["weather"].text == TEXT
    (question,) = gold.topics
    assert (question.id, question.text) == ("1", "What is snow?")
    assert question.gold == (("weather", Span(14, 39)),)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"corpus": "space"}, "there is no corpus 'space'; choose one of .'weather'."),
        ({"references": []}, "'references' must be a list with an entry"),
        ({"references": ["x"]}, "a reference must be an object"),
        ({"references": [GOLD | {"end_index": 99}]}, "14 to 99 is no place in the corpus"),
        ({"references": [GOLD | {"start_index": True}]}, "True to 39 is no place"),
        ({"references": [GOLD | {"content": "Hail"}]}, "the corpus has other text at 14 to 39"),
        ({"question": " "}, "'question' is empty"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UserError, match=f"line 1: {complaint}"):
        load_corpora(folder(tmp_path, **changes))


def test_a_folder_without_corpora_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no corpora"):
        load_corpora(tmp_path)


def test_a_corpus_in_another_encoding_is_named(tmp_path: Path) -> None:
    (folder(tmp_path) / "corpora" / "old.md").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match=r"old\.md' is not UTF-8 at byte 3"):
        load_corpora(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the evaluation data is not at {DATA}")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_spans_of_every_strategy_are_exact_over_all_corpora(strategy: str) -> None:
    encoder = HashEncoder(32)
    chunker = make_chunker(
        strategy, encoder.count_tokens, embed=encoder.encode_passages, size=200, overlap=30
    )
    for name, parsed in load_corpora(DATA).documents.items():
        covered = bytearray(len(parsed.text))
        for chunk in chunker.chunk(name, parsed):
            assert parsed.text[chunk.start : chunk.end] == chunk.text
            covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
        left = [char for char, seen in zip(parsed.text, covered, strict=True) if not seen]
        assert "".join(left).strip() == ""
