"""What of the gold a way of chunking brings, and with how much else."""

from __future__ import annotations

import pytest

from corpus.records import Chunk, Document, Hit, SearchResult, Span, State
from eval.chunk_gold import GoldQuestion
from eval.chunking import compared_with, evaluate_chunks
from eval.report import System

Places = list[tuple[str, int, int]]


def hit(source: str, start: int, end: int, window: Span | None = None) -> Hit:
    document = Document(source, source, "", "text/plain", "", "default", 0, State.INDEXED)
    chunk = Chunk(f"{start:016x}", source, (Span(start, end),), "", window=window)
    return Hit(chunk, document, 1.0, 1)


class Scripted:
    """Gives every query the same hits."""

    def __init__(self, *hits: Hit) -> None:
        self._hits = hits

    def search(self, query: str, k: int = 10, mode: str = "hybrid") -> SearchResult:
        return SearchResult(query, 1, self._hits[:k], {"total": 2.0})


def measured(gold: Places, *hits: Hit, system: int = 0) -> dict[str, float]:
    spans = tuple((name, Span(start, end)) for name, start, end in gold)
    questions = [GoldQuestion("q", "what?", spans)]
    systems = evaluate_chunks("fixed dense", questions, Scripted(*hits), "dense", {"chunks": 9})
    return {metric: row["q"] for metric, row in systems[system].rows.items()}


def test_a_chunk_that_is_the_gold_scores_one_in_everything() -> None:
    found = measured([("a", 100, 200)], hit("a", 100, 200))
    shares = {metric: value for metric, value in found.items() if metric != "characters@5"}
    assert set(shares.values()) == {1.0}
    assert found["characters@5"] == 100


def test_recall_precision_and_iou_are_shares_of_characters() -> None:
    found = measured([("a", 100, 200), ("b", 0, 100)], hit("a", 150, 350), hit("c", 0, 100))
    assert found["recall@5"] == pytest.approx(50 / 200)
    assert found["precision@5"] == pytest.approx(50 / 300)
    assert found["IoU@5"] == pytest.approx(50 / (300 + 200 - 50))


def test_a_repeated_piece_counts_once_as_found_and_twice_as_read() -> None:
    found = measured([("a", 0, 100)], hit("a", 0, 100), hit("a", 50, 150))
    assert found["recall@5"] == 1
    assert found["precision@5"] == pytest.approx(100 / 200)
    assert found["characters@5"] == 150


def test_the_same_offsets_in_another_document_are_not_the_gold() -> None:
    assert measured([("a", 0, 100)], hit("b", 0, 100))["recall@5"] == 0


def test_only_the_first_five_count() -> None:
    others = [hit("b", n, n + 1) for n in range(5)]
    assert measured([("a", 0, 9)], *others, hit("a", 0, 9))["recall@5"] == 0
    assert measured([("a", 0, 9)], *others, hit("a", 0, 9))["recall in 4000"] == 1


def test_a_budget_is_filled_with_whole_chunks_from_the_best_on() -> None:
    first, second, third = hit("a", 0, 3000), hit("b", 0, 1500), hit("c", 0, 500)
    gold: Places = [("a", 0, 10), ("b", 0, 10), ("c", 0, 10)]
    found = measured(gold, first, second, third)
    assert found["recall in 4000"] == pytest.approx(1 / 3)
    assert found["recall in 12000"] == 1
    assert measured([("a", 0, 10)], hit("a", 0, 90_000))["recall in 4000"] == 1


def test_windows_are_measured_as_matched_and_as_shown() -> None:
    hits = [hit("a", 100, 150, Span(50, 200)), hit("a", 200, 250, Span(150, 300))]
    gold: Places = [("a", 100, 300)]
    assert measured(gold, *hits)["recall@5"] == pytest.approx(100 / 200)
    shown = measured(gold, *hits, system=1)
    assert shown["recall@5"] == 1
    assert shown["precision@5"] == pytest.approx(200 / 250)  # the two overlap, and are read once


def test_nothing_found_scores_nothing() -> None:
    found = measured([("a", 0, 100)])
    assert set(found.values()) == {0.0}


def test_a_system_tells_about_its_chunks_and_its_speed() -> None:
    questions = [GoldQuestion("q", "what?", (("a", Span(0, 9)),))]
    (system,) = evaluate_chunks("x", questions, Scripted(hit("a", 0, 9)), "dense", {"chunks": 9})
    data = system.to_json()
    assert (data["facts"], data["n"], data["latency_ms"]["p50"]) == ({"chunks": 9}, 1, 2.0)


def test_the_default_is_tested_against_every_other() -> None:
    rows = {name: {"q": 1.0} for name in ("recall@5", "recall in 4000", "recall in 12000")}
    systems = [System(name, rows, [1.0]) for name in ("a", "b", "c")]
    assert {(test.a, test.b) for test in compared_with(systems, "b")} == {("b", "a"), ("b", "c")}
    assert compared_with(systems, "absent") == ()
