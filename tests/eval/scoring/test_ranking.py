"""Passages as items: spans, documents, ties, and that TREC's tools read the same order."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.records import Span
from eval.gold.records import Lost, Topic
from eval.results.folder import write_results
from eval.scoring.measures import measure, per_query
from eval.scoring.ranking import ranked_items

GOLD = ("a", Span(100, 200))
SPANS = st.tuples(st.integers(0, 40), st.integers(1, 30)).map(lambda s: Span(s[0], s[0] + s[1]))
PLACES = st.tuples(st.sampled_from(["a", "b"]), SPANS)
SCORES = st.floats(-50, 50) | st.sampled_from([0.0, 0.5, 30.25])


def names(topic: Topic, *found: tuple[str, Span]) -> list[str]:
    ranked = ranked_items(
        topic, [(name, span, 1 - rank / 10) for rank, (name, span) in enumerate(found)]
    )
    return [name for name, _ in ranked]


def test_a_passage_that_holds_half_of_a_gold_span_stands_as_that_span() -> None:
    topic = Topic("q", "?", gold=(GOLD,))
    assert names(topic, ("a", Span(0, 150))) == ["a:100-200"]
    assert names(topic, ("a", Span(0, 149))) == ["a:0-149"]
    assert names(topic, ("b", Span(0, 300))) == ["b:0-300"]
    assert "a:100-200" in topic.qrels()


def test_a_second_passage_with_the_same_gold_takes_a_place_of_its_own() -> None:
    topic = Topic("q", "?", gold=(GOLD,))
    found = names(topic, ("a", Span(90, 210)), ("a", Span(95, 205)), ("b", Span(0, 9)))
    assert found == ["a:100-200", "a:95-205", "b:0-9"]
    assert names(topic, ("a", Span(90, 210)), ("a", Span(100, 200))) == ["a:100-200"]


def test_a_passage_with_several_gold_spans_stands_as_each_in_the_order_of_the_text() -> None:
    topic = Topic("q", "?", gold=(("a", Span(50, 60)), ("a", Span(10, 20)), ("a", Span(10, 20))))
    assert names(topic, ("a", Span(0, 55)), ("a", Span(52, 80))) == [
        "a:10-20",
        "a:50-60",
        "a:52-80",
    ]


def test_gold_that_is_nowhere_is_never_found() -> None:
    topic = Topic("q", "?", lost=(Lost("a", "quote", "not there"),), grades={"a": 1})
    assert names(topic, ("a", Span(0, 10))) == ["a:0-10"]
    assert topic.qrels() == {"lost-1": 1}


def test_a_document_stands_at_the_place_of_its_best_passage() -> None:
    topic = Topic("q", "?", grades={"b": 2})
    found = names(topic, ("a", Span(0, 10)), ("b", Span(0, 5)), ("a", Span(10, 20)))
    assert found == ["a", "b"]


def test_nothing_found_is_no_item() -> None:
    assert ranked_items(Topic("q", "?", gold=(GOLD,)), []) == []


@settings(max_examples=80, deadline=None)
@given(
    st.lists(PLACES, min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(PLACES, SCORES), max_size=25),
)
def test_items_are_distinct_and_their_scores_fall_in_single_precision_too(
    gold: list[tuple[str, Span]], hits: list[tuple[tuple[str, Span], float]]
) -> None:
    found = [(*place, score) for place, score in sorted(hits, key=lambda hit: -hit[1])]
    topic = Topic("q", "?", gold=tuple(gold))
    ranked = ranked_items(topic, found)
    assert len({name for name, _ in ranked}) == len(ranked)
    written = np.array([float(f"{score:.6f}") for _, score in ranked], dtype=np.float32)
    assert (np.diff(written) < 0).all()
    given_scores = [round(score, 6) for *_, score in found]
    assert all(score <= max(given_scores) for _, score in ranked)
    unique = {place for place, _ in hits}
    assert len(ranked) <= len(unique) + len(gold)


@pytest.mark.skipif(find_spec("pytrec_eval") is None, reason="TREC's code has no package here")
@pytest.mark.parametrize("seed", range(5))
def test_trec_s_tools_find_the_same_figures_in_the_files_of_a_run_full_of_ties(
    seed: int, tmp_path: Path
) -> None:
    import ir_measures

    dice = random.Random(seed)
    documents = [f"d{number}" for number in range(60)]
    topics = [
        Topic(
            f"q{n}", "?", grades={d: dice.choice([-1, 0, 1, 2]) for d in dice.sample(documents, 9)}
        )
        for n in range(20)
    ]
    run = {}
    for topic in topics:
        coarse = sorted((dice.choice([0.5, 23.25, 23.250001]) for _ in range(30)), reverse=True)
        places = zip(dice.sample(documents, 30), coarse, strict=True)
        run[topic.id] = ranked_items(topic, [(name, Span(0, 9), score) for name, score in places])
    qrels = {topic.id: topic.qrels() for topic in topics}
    write_results(tmp_path / "r", {"systems": []}, [], qrels, {"one": run}, "")
    judged = list(ir_measures.read_trec_qrels(str(tmp_path / "r" / "qrels.txt")))
    found = list(ir_measures.read_trec_run(str(tmp_path / "r" / "runs" / "one.run")))
    rankings = {query: [name for name, _ in items] for query, items in run.items()}
    for name in ("nDCG@10", "MRR", "MAP", "recall@10", "precision@10", "success@1"):
        library = ir_measures.parse_measure(measure(name).expression)
        theirs = {v.query_id: v.value for v in ir_measures.iter_calc([library], judged, found)}
        assert per_query([measure(name)], qrels, rankings)[name] == pytest.approx(theirs, abs=1e-6)
