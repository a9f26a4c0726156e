"""The dense and the lexical index through many commits, against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.errors import Damaged, InternalError, OperatorError
from retrieval.faiss_index import DenseIndex
from retrieval.lexical import Entry, LexicalIndex
from retrieval.protocols import Scope

D = 16


def unit(rng: np.random.Generator, n: int) -> np.ndarray:
    vectors = rng.normal(size=(n, D)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def keys_of(*keys: int) -> np.ndarray:
    return np.array(keys, dtype=np.int64)


def test_dense_search_equals_brute_force_through_adds_and_deletes(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    index, truth = DenseIndex(None, D), {}
    for step in range(1, 40):
        added = rng.choice(10**12, size=rng.integers(0, 12), replace=False).astype(np.int64)
        vectors = unit(rng, len(added))
        known = np.array(sorted(truth), dtype=np.int64)
        removed = rng.choice(known, size=min(len(known), int(rng.integers(0, 5))), replace=False)
        index.write_next(tmp_path / str(step), step, added, vectors, removed)
        for key in removed.tolist():
            del truth[key]
        truth.update(zip(added.tolist(), vectors, strict=True))
        index = DenseIndex(tmp_path / str(step), D)
        assert len(index) == len(truth)
        query = unit(rng, 1)[0]
        keys, scores = index.search(query, 5)
        all_keys = np.array(sorted(truth), dtype=np.int64)
        cosines = np.array([truth[key] @ query for key in all_keys.tolist()])
        best = np.lexsort((all_keys, -cosines))[:5] if len(all_keys) else []
        assert keys.tolist() == all_keys[best].tolist()
        np.testing.assert_allclose(scores, cosines[best], atol=1e-5)


def test_deltas_are_merged_before_they_pile_up(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    index = DenseIndex(None, D)
    for step in range(1, 30):
        index.write_next(tmp_path / str(step), step, keys_of(step), unit(rng, 1), keys_of())
        index = DenseIndex(tmp_path / str(step), D)
        assert len(list((tmp_path / str(step)).glob("*.vectors.npy"))) <= 8
    assert len(index) == 29


def test_a_small_edit_links_the_large_segment_instead_of_writing_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    keys = np.arange(1000, dtype=np.int64)
    DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, unit(rng, 1000), keys_of())
    base = DenseIndex(tmp_path / "1", D)
    base.write_next(tmp_path / "2", 2, keys_of(5000), unit(rng, 1), keys_of(3))
    assert (tmp_path / "1" / "000001.vectors.npy").samefile(tmp_path / "2" / "000001.vectors.npy")
    assert len(DenseIndex(tmp_path / "2", D)) == 1000


def test_a_scope_limits_dense_search_without_losing_recall(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    vectors, keys = unit(rng, 500), np.arange(500, dtype=np.int64)
    DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, vectors, keys_of())
    index = DenseIndex(tmp_path / "1", D)
    allowed = np.arange(0, 500, 50, dtype=np.int64)
    found, _ = index.search(vectors[7], 10, Scope(allowed))
    assert sorted(found.tolist()) == allowed.tolist()


def test_a_key_that_comes_back_is_found_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    vectors = unit(rng, 2)
    keys = keys_of(*range(20))
    DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, unit(rng, 20), keys_of())
    index = DenseIndex(tmp_path / "1", D)
    index.write_next(tmp_path / "2", 2, keys_of(4), vectors[:1], keys_of(4))
    found, scores = DenseIndex(tmp_path / "2", D).search(vectors[0], 20)
    assert found.tolist().count(4) == 1
    assert scores[0] == pytest.approx(1, abs=1e-5)


def test_a_key_that_comes_back_leaves_the_large_segment_it_was_in_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    keys = np.arange(1000, dtype=np.int64)
    index = DenseIndex(None, D)
    index.write_next(tmp_path / "1", 1, keys, unit(rng, 1000), keys_of())
    index = DenseIndex(tmp_path / "1", D)
    index.write_next(tmp_path / "2", 2, keys_of(), unit(rng, 0), keys_of(4, 5))
    index = DenseIndex(tmp_path / "2", D, index)
    again = unit(rng, 1)
    index.write_next(tmp_path / "3", 3, keys_of(4), again, keys_of())
    index = DenseIndex(tmp_path / "3", D, index)
    names = [f"000001.{ending}" for ending in ("keys.npy", "vectors.npy", "json")]
    assert all((tmp_path / "1" / n).samefile(tmp_path / "3" / n) for n in names)
    found, scores = index.search(again[0], 1000)
    assert (len(index), found[0]) == (999, 4)
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert sorted(found.tolist()) == [key for key in range(1000) if key != 5]
    assert index.similarity(again[0], keys_of(4))[0] == pytest.approx(1, abs=1e-5)
    assert index.vectors_of(keys_of(4))[0] == pytest.approx(again[0], abs=1e-5)
    found, scores = index.search(again[0], 10, Scope(keys_of(4, 6)))
    assert found.tolist() == [4, 6]
    assert scores[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("keys", "vectors"),
    [
        (keys_of(1, 1), np.eye(2, D, dtype=np.float32)),
        (keys_of(1), np.full((1, D), np.nan, np.float32)),
        (keys_of(1), np.ones((1, D + 1), np.float32)),
    ],
    ids=["twice", "nan", "dimension"],
)
def test_what_would_corrupt_the_dense_index_is_refused(
    tmp_path: Path, keys: np.ndarray, vectors: np.ndarray
) -> None:
    with pytest.raises(InternalError):
        DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, vectors, keys_of())


def test_a_query_of_another_dimension_or_of_no_numbers_is_refused(tmp_path: Path) -> None:
    index = DenseIndex(None, D)
    for query in (np.ones(D + 1, np.float32), np.full(D, np.nan, np.float32)):
        with pytest.raises(OperatorError, match="does not fit"):
            index.search(query, 3)


def test_a_folder_that_is_not_a_dense_index_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "000001.vectors.npy").write_bytes(b"nothing")
    with pytest.raises(Damaged, match="not a dense index"):
        DenseIndex(tmp_path, D)


def entries(*rows: tuple[int, str, str]) -> list[Entry]:
    return [Entry(key, document, "default", text) for key, document, text in rows]


def test_lexical_search_stems_folds_and_ranks(tmp_path: Path) -> None:
    rows = (
        (1, "a", "Quantized models run faster"),
        (2, "b", "The café is closed"),
        (3, "c", "run"),
    )
    LexicalIndex(None).write_next(tmp_path / "1", entries(*rows), [])
    index = LexicalIndex(tmp_path / "1")
    assert index.search("quantization model", 3)[0].tolist() == [1]
    assert index.search("CAFE", 3)[0].tolist() == [2]
    assert index.search("running", 3)[0].tolist() == [3, 1]  # the shorter text first
    assert index.search("absent", 3)[0].tolist() == []
    assert index.search('"AND ( :*', 3)[0].tolist() == []  # no query language to stumble over


def test_lexical_scores_are_bm25(tmp_path: Path) -> None:
    texts = ["red box", "red red box box", "blue box", "green"]
    LexicalIndex(None).write_next(
        tmp_path / "1", entries(*((i, str(i), text) for i, text in enumerate(texts))), []
    )
    keys, scores = LexicalIndex(tmp_path / "1").search("red", 4)
    n, holding = 4, 2
    idf = np.log(1 + (n - holding + 0.5) / (holding + 0.5))
    mean_length = np.mean([len(text.split()) for text in texts])

    def bm25(frequency: int, length: int) -> float:
        return float(
            idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / mean_length))
        )

    expected = {0: bm25(1, 2), 1: bm25(2, 4)}
    assert dict(zip(keys.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        expected, rel=1e-4
    )


def test_lexical_snapshots_share_files_and_do_not_change(tmp_path: Path) -> None:
    LexicalIndex(None).write_next(tmp_path / "1", entries((1, "a", "red"), (2, "b", "blue")), [])
    first = LexicalIndex(tmp_path / "1")
    first.write_next(tmp_path / "2", entries((3, "c", "red")), ["a"])
    second = LexicalIndex(tmp_path / "2")
    assert first.search("red", 5)[0].tolist() == [1]
    assert second.search("red", 5)[0].tolist() == [3]
    assert (len(first), len(second)) == (2, 2)
    shared = [p for p in (tmp_path / "2").glob("*.idx") if (tmp_path / "1" / p.name).exists()]
    assert shared
    assert all(p.samefile(tmp_path / "1" / p.name) for p in shared)


def test_a_scope_limits_lexical_search(tmp_path: Path) -> None:
    rows = [Entry(1, "a", "x", "red"), Entry(2, "b", "y", "red"), Entry(3, "c", "y", "red")]
    LexicalIndex(None).write_next(tmp_path / "1", rows, [])
    index = LexicalIndex(tmp_path / "1")
    assert sorted(index.search("red", 5, Scope(keys_of(2, 3), collections=("y",)))[0].tolist()) == [
        2,
        3,
    ]
    assert index.search("red", 5, Scope(keys_of(3), documents=("c",)))[0].tolist() == [3]


def test_a_folder_that_is_not_a_lexical_index_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="not a lexical index"):
        LexicalIndex(tmp_path)


def test_a_compound_name_is_found_by_its_parts_and_whole(tmp_path: Path) -> None:
    rows = ((1, "a", "struct DiffExecutor"), (2, "b", "an HTTPServer here"), (3, "c", "diff"))
    LexicalIndex(None).write_next(tmp_path / "1", entries(*rows), [])
    index = LexicalIndex(tmp_path / "1")
    assert index.search("executor", 3)[0].tolist() == [1]
    assert index.search("DiffExecutor", 3)[0].tolist()[0] == 1
    assert index.search("http server", 3)[0].tolist() == [2]


def test_function_words_of_a_question_do_not_count_unless_there_are_no_others(
    tmp_path: Path,
) -> None:
    rows = ((1, "a", "what is the purpose of it"), (2, "b", "an executor"))
    LexicalIndex(None).write_next(tmp_path / "1", entries(*rows), [])
    index = LexicalIndex(tmp_path / "1")
    assert index.search("what is the executor", 3)[0].tolist() == [2]
    assert index.search("what is it", 3)[0].tolist() == [1]
