"""Joining two result lists."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import calibrated, convex, rrf
from tests.retrieval.conftest import Shelf

KEYS = np.array([1, 2, 3])
COSINES = np.array([0.9, 0.5, 0.1], np.float32)
BM25 = np.array([0.0, 8.0, 4.0], np.float32)
BACKGROUND = np.array([0.0, 0.2], np.float32)  # mean .1, standard deviation .1


def scores_by_key(fused: tuple[np.ndarray, ...]) -> dict[int, float]:
    return dict(zip(fused[0].tolist(), fused[1].tolist(), strict=True))


def test_reciprocal_rank_fusion_follows_its_formula() -> None:
    keys, scores = rrf([np.array([1, 2, 3]), np.array([3, 1])], k=60)
    expected = {1: 1 / 61 + 1 / 62, 2: 1 / 62, 3: 1 / 63 + 1 / 61}
    assert keys.tolist() == sorted(expected, key=lambda key: -expected[key])
    assert scores_by_key((keys, scores)) == pytest.approx(expected)


def test_convex_fusion_rescales_both_halves() -> None:
    keys, scores, _ = convex(KEYS, COSINES, BM25, BACKGROUND)
    assert scores_by_key((keys, scores)) == pytest.approx({1: 0.5, 2: 0.25 + 0.5, 3: 0.25})
    assert keys.tolist() == [2, 1, 3]


def test_calibrated_fusion_counts_deviations_and_bm25_per_word() -> None:
    fused = calibrated(KEYS, COSINES, BM25, BACKGROUND, words=2, dense_weight=0.25)
    # Eight, four and no deviations above the mean, of six; no, four and two per word, of four.
    expected = {1: 0.25 * 8 / 6, 2: 0.25 * 4 / 6 + 0.75 * 1, 3: 0.75 * 0.5}
    assert scores_by_key(fused) == pytest.approx(expected, abs=1e-6)


@given(
    st.lists(
        st.tuples(st.floats(-1, 1, width=32), st.floats(0, 40, width=32)), min_size=1, max_size=30
    ),
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30),
    st.integers(1, 20),
)
def test_calibrated_fusion_agrees_with_plain_arithmetic(
    found: list[tuple[float, float]], background: list[float], words: int
) -> None:
    mean, spread = statistics.fmean(background), max(statistics.pstdev(background), 1e-3)
    expected = [(c - mean) / spread / 12 + b / words / 8 for c, b in found]
    cosines, bm25 = (np.array(column, np.float32) for column in zip(*found, strict=True))
    keys, scores, _ = calibrated(
        np.arange(len(found)), cosines, bm25, np.array(background, np.float32), words
    )
    assert scores == pytest.approx([expected[key] for key in keys], rel=1e-3, abs=1e-3)
    assert sorted(scores.tolist(), reverse=True) == scores.tolist()


def test_a_list_without_a_good_hit_counts_less_than_one_with_one() -> None:
    """What ``convex`` cannot see: there, the best of either list scores a half."""
    keys = np.array([1, 2])
    background = np.array([0.0, 0.2], np.float32)
    far, near = np.array([0.8, 0.1], np.float32), np.array([0.3, 0.1], np.float32)
    rare, common = np.array([0.0, 20.0], np.float32), np.array([0.0, 4.0], np.float32)
    assert calibrated(keys, far, common, background, words=4)[0][0] == 1
    assert calibrated(keys, near, rare, background, words=4)[0][0] == 2


def test_calibrated_order_does_not_depend_on_where_an_encoder_s_cosines_lie() -> None:
    squeezed = calibrated(KEYS, 0.7 + COSINES / 5, BM25, 0.7 + BACKGROUND / 5, words=2)
    plain = calibrated(KEYS, COSINES, BM25, BACKGROUND, words=2)
    assert squeezed[0].tolist() == plain[0].tolist()
    assert squeezed[1] == pytest.approx(plain[1], abs=1e-4)


def test_convex_order_does_not_depend_on_the_scale_of_bm25() -> None:
    assert scores_by_key(convex(KEYS, COSINES, BM25 * 3, BACKGROUND)) == pytest.approx(
        scores_by_key(convex(KEYS, COSINES, BM25, BACKGROUND))
    )


def test_a_better_score_never_ranks_a_hit_lower() -> None:
    rng = np.random.default_rng(5)
    keys, background = np.arange(20), rng.normal(0, 0.1, 64).astype(np.float32)
    for _ in range(50):
        cosines = rng.uniform(-1, 1, 20).astype(np.float32)
        bm25 = rng.uniform(0, 30, 20).astype(np.float32)
        before = calibrated(keys, cosines, bm25, background, words=5)[0].tolist()
        which = rng.integers(20)
        cosines[which] += 0.2
        bm25[which] += 2
        after = calibrated(keys, cosines, bm25, background, words=5)[0].tolist()
        assert after.index(which) <= before.index(which)


def test_equal_scores_are_ordered_by_key_and_no_hits_stay_none() -> None:
    alike = np.ones(3, np.float32)
    for order in ([3, 1, 2], [2, 3, 1]):
        keys = np.array(order)
        assert calibrated(keys, alike, alike, BACKGROUND, words=1)[0].tolist() == [1, 2, 3]
        assert convex(keys, alike, alike, BACKGROUND)[0].tolist() == [1, 2, 3]
    assert rrf([np.array([2]), np.array([1])])[0].tolist() == [1, 2]
    nothing = np.empty(0, np.float32)
    none = np.empty(0, np.int64)
    assert len(calibrated(none, nothing, nothing, nothing, words=0)[0]) == 0
    assert len(convex(none, nothing, nothing, nothing)[0]) == 0
    assert len(rrf([none, none])[0]) == 0


def test_one_list_alone_keeps_its_order() -> None:
    by_meaning = calibrated(KEYS, COSINES, np.zeros(3, np.float32), BACKGROUND, words=3)[0]
    by_words = calibrated(KEYS, np.full(3, 0.1, np.float32), BM25, BACKGROUND, words=3)[0]
    assert (by_meaning.tolist(), by_words.tolist()) == ([1, 2, 3], [2, 3, 1])


def test_a_query_of_unknown_words_is_ranked_by_meaning(shelf: Shelf) -> None:
    shelf.add("red box on a table", "blue car in the street")
    hits = shelf.searcher.search("zzz qqq")
    assert [hit.lexical_rank for hit in hits.hits] == [None, None]
    dense = shelf.searcher.search("zzz qqq", mode="dense")
    assert [h.chunk.id for h in hits.hits] == [h.chunk.id for h in dense.hits]


def test_scores_do_not_depend_on_how_the_chunks_came_in(shelf: Shelf) -> None:
    texts = [f"red box number{n} in street{n % 7}" for n in range(40)]
    gone = shelf.add(*(f"blue car {n}" for n in range(30)))
    shelf.add(*texts[:10])
    shelf.add(*texts[10:])
    shelf.remove(*gone)
    scattered = shelf.searcher.search("red box street3", 40).hits
    shelf.remove(*(hit.document for hit in scattered))
    shelf.add(*texts)
    at_once = shelf.searcher.search("red box street3", 40).hits
    assert [h.document.source for h in at_once] == [h.document.source for h in scattered]
    assert [h.score for h in at_once] == pytest.approx([h.score for h in scattered], abs=1e-5)
