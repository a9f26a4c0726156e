"""Rows of a system: which measure applies to which question."""

from __future__ import annotations

import pytest

from corpus.records import Span
from eval.gold.records import Topic
from eval.scoring.measures import measure
from eval.scoring.score import score
from eval.scoring.token_measures import Chunks

MEASURES = [measure(name) for name in ("nDCG@10", "token recall@1", "precision omega")]
SPANS = Topic("q1", "?", gold=(("a", Span(10, 20)),))
DOCUMENTS = Topic("q2", "?", grades={"b": 1})
FOUND = {
    "q1": [("a", Span(0, 15), 0.9), ("b", Span(0, 9), 0.8)],
    "q2": [("a", Span(0, 15), 0.9), ("b", Span(0, 9), 0.8), ("a", Span(15, 30), 0.7)],
}
CHUNKS = Chunks({"a": [Span(0, 15), Span(15, 30)], "b": [Span(0, 9)]})


def test_questions_with_spans_and_with_documents_have_the_rows_that_apply_to_them() -> None:
    found = score(MEASURES, [SPANS, DOCUMENTS], FOUND, CHUNKS)
    assert found.rows == {
        "nDCG@10": {"q1": 1.0, "q2": pytest.approx(0.6309, abs=1e-4)},
        "token recall@1": {"q1": 0.5},
        "precision omega": {"q1": pytest.approx(10 / 30)},
    }
    assert found.run == {"q1": [("a:10-20", 0.9), ("b:0-9", 0.8)], "q2": [("a", 0.9), ("b", 0.8)]}


def test_a_question_without_results_scores_zero_in_every_row() -> None:
    found = score(MEASURES[:2], [SPANS, DOCUMENTS], {})
    assert found.rows == {"nDCG@10": {"q1": 0.0, "q2": 0.0}, "token recall@1": {"q1": 0.0}}


def test_measures_that_apply_to_no_question_have_no_rows() -> None:
    assert list(score(MEASURES, [DOCUMENTS], FOUND).rows) == ["nDCG@10"]


def test_rows_stand_in_the_order_that_was_asked_for() -> None:
    rows = score(MEASURES[::-1], [SPANS], FOUND, CHUNKS).rows
    assert list(rows) == ["precision omega", "token recall@1", "nDCG@10"]
