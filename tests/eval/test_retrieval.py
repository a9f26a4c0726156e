"""Search measured against judged documents and gold spans, over scripted results."""

from __future__ import annotations

import pytest

from corpus.datasets import Dataset, DatasetDocument, Query
from corpus.questions import Gold, Question
from corpus.records import Chunk, Document, Hit, Judgement, SearchResult, Span, State
from eval.retrieval import depth, evaluate_dataset, evaluate_questions
from eval.spans import Placed

DATASET = Dataset(
    "weather",
    tuple(DatasetDocument(name, "", "text") for name in ("a", "b", "c")),
    (Query("q1", "rain"), Query("q2", "snow"), Query("q3", "fog"), Query("q4", "hail")),
    (Judgement("q1", "a", 1), Judgement("q2", "b", 2), Judgement("q3", "c", 1)),
)


def hit(source: str, start: int = 0, end: int = 10) -> Hit:
    document = Document(
        f"id of {source}", source, "", "text/plain", "", "default", 0, State.INDEXED
    )
    spans = (Span(start, end),)
    chunk = Chunk(Chunk.make_id(document.id, "x", spans, ""), document.id, spans, "")
    return Hit(chunk, document, 1.0, 1)


class Scripted:
    """Gives each query, in each mode, the hits prepared for it; remembers what was asked."""

    def __init__(self, **modes: dict[str, list[Hit]]) -> None:
        self._modes = modes
        self.asked: list[tuple[str, int, str]] = []

    def search(self, query: str, k: int = 10, mode: str = "hybrid") -> SearchResult:
        self.asked.append((query, k, mode))
        hits = tuple(self._modes[mode].get(query, ())[:k])
        return SearchResult(query, 1, hits, {"embed": 1.0, "search": 2.0, "total": 3.0})


def test_a_document_counts_at_the_rank_of_its_best_chunk() -> None:
    search = Scripted(dense={"rain": [hit("b"), hit("b", 5, 9), hit("b", 7, 12), hit("a")]})
    rows = evaluate_dataset(DATASET, search, ["dense"])[0].rows
    assert rows["MRR@10"]["q1"] == 0.5


def test_a_judged_query_without_hits_scores_zero_and_one_not_judged_is_not_asked() -> None:
    search = Scripted(dense={"rain": [hit("a")]})
    rows = evaluate_dataset(DATASET, search, ["dense"])[0].rows
    assert rows["nDCG@10"] == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    assert "hail" not in {query for query, _, _ in search.asked}


def test_every_mode_is_a_system_with_a_latency_per_query() -> None:
    search = Scripted(dense={}, lexical={"snow": [hit("b")]}, hybrid={"rain": [hit("a")]})
    systems = evaluate_dataset(DATASET, search)
    assert [system.name for system in systems] == ["dense", "lexical", "hybrid"]
    assert systems[1].rows["recall@100"] == {"q1": 0.0, "q2": 1.0, "q3": 0.0}
    assert all(list(system.latencies_ms) == [3.0] * 3 for system in systems)


def test_the_first_search_of_a_mode_is_not_timed_and_every_other_is_counted() -> None:
    search = Scripted(dense={})
    ticks: list[int] = []
    evaluate_dataset(DATASET, search, ["dense"], depth=250, tick=lambda: ticks.append(1))
    assert len(search.asked) == 4
    assert {k for _, k, _ in search.asked} == {250}
    assert len(ticks) == 3


def test_a_limit_takes_the_first_judged_queries() -> None:
    rows = evaluate_dataset(DATASET, Scripted(dense={}), ["dense"], limit=2)[0].rows
    assert list(rows["nDCG@10"]) == ["q1", "q2"]


def test_only_a_hundred_documents_are_ranked() -> None:
    search = Scripted(dense={"rain": [*(hit(f"x{n}") for n in range(100)), hit("a")]})
    rows = evaluate_dataset(DATASET, search, ["dense"], depth=200)[0].rows
    assert rows["recall@100"]["q1"] == 0.0


@pytest.mark.parametrize(
    ("chunks", "documents", "expected"),
    [(100, 100, 100), (150, 100, 150), (1029, 232, 444), (10**6, 10, 1000), (0, 0, 1)],
)
def test_the_depth_grows_with_the_chunks_of_a_document(
    chunks: int, documents: int, expected: int
) -> None:
    assert depth(chunks, documents) == expected


def placed(name: str, kind: str, *gold: tuple[str, int, int], missing: int = 0) -> Placed:
    spans = tuple((f"id of {source}", Span(start, end)) for source, start, end in gold)
    quotes = [Gold(source, "x" * (end - start), Span(start, end)) for source, start, end in gold]
    quotes += [Gold("gone", "x", Span(0, 1))] * missing
    return Placed(Question(name, f"question {name}", kind, "", tuple(quotes)), spans, missing)


def span_rows(question: Placed, hits: list[Hit]) -> dict[str, float]:
    search = Scripted(hybrid={question.question.text: hits})
    rows = evaluate_questions([question], search, ["hybrid"])[0].rows
    return {name: values[question.question.id] for name, values in rows.items()}


def test_a_span_is_found_when_a_passage_of_its_document_holds_half_of_it() -> None:
    asked = placed("1", "single", ("a", 100, 120))
    assert span_rows(asked, [hit("a", 110, 200)])["success@5"] == 1.0
    assert span_rows(asked, [hit("a", 111, 200)])["success@5"] == 0.0
    assert span_rows(asked, [hit("b", 100, 120)])["success@5"] == 0.0


def test_only_the_first_five_passages_count_for_spans() -> None:
    asked = placed("1", "single", ("a", 0, 10))
    others = [hit("b", n, n + 1) for n in range(5)]
    assert span_rows(asked, [*others[:4], hit("a")])["success@5"] == 1.0
    found = span_rows(asked, [*others, hit("a")])
    assert found["success@5"] == 0.0
    assert found["nDCG@10"] == pytest.approx(1 / 1.584962500721156)  # second document: 1 / log2(3)


def test_recall_is_the_share_of_the_spans_found() -> None:
    asked = placed("1", "multi", ("a", 0, 10), ("b", 50, 60))
    found = span_rows(asked, [hit("a"), hit("b", 0, 10)])
    assert (found["success@5"], found["span recall@5"], found["nDCG@10"]) == (1.0, 0.5, 1.0)


def test_gold_that_stands_in_no_document_counts_as_not_found() -> None:
    found = span_rows(placed("1", "single", missing=1), [hit("a")])
    assert found == {"success@5": 0.0, "span recall@5": 0.0, "nDCG@10": 0.0}
    half = span_rows(placed("2", "multi", ("a", 0, 10), missing=1), [hit("a")])
    assert half["span recall@5"] == 0.5
    assert 0.5 < half["nDCG@10"] < 1.0


def test_questions_without_an_answer_are_not_asked() -> None:
    search = Scripted(hybrid={})
    asked = [placed("1", "single", ("a", 0, 10)), placed("2", "unanswerable")]
    system = evaluate_questions(asked, search, ["hybrid"])[0]
    assert {query for query, _, _ in search.asked} == {"question 1"}
    assert system.kinds == {"single": ["1"]}
    assert system.rows["success@5"] == {"1": 0.0}
