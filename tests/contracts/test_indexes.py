"""Every way the dense index can be laid out finds what comparing all vectors finds, through any edits."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import Damaged, OperatorError
from retrieval import ann
from retrieval.faiss_index import DenseIndex
from retrieval.protocols import Scope
from retrieval.settings import DenseSettings

D = 32
K = 10
EXACT = DenseSettings()
LAYOUTS = {
    "exact": EXACT,
    "approximate": DenseSettings(exact_vectors=500),
}


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def clustered(rng: np.random.Generator, count: int) -> np.ndarray:
    """Vectors around some topics, as those of texts are."""
    topics = np.random.default_rng(0).normal(size=(40, D))
    return unit(topics[rng.integers(len(topics), size=count)] + rng.normal(size=(count, D)))


class Walk:
    """An index that is changed at random, beside a plain table of what it must hold."""

    def __init__(self, root: Path, settings: DenseSettings, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.index = DenseIndex(None, D)
        self.truth: dict[int, np.ndarray] = {}
        self.gone: dict[int, np.ndarray] = {}
        self._root, self._settings, self._number = root, settings, 0

    def commit(self, added: dict[int, np.ndarray], removed: list[int]) -> None:
        self._number += 1
        folder = self._root / str(self._number)
        vectors = np.array(list(added.values()), np.float32).reshape(-1, D)
        keys, dead = np.array([*added], np.int64), np.array(removed, np.int64)
        self.index.write_next(folder, self._number, keys, vectors, dead, self._settings)
        self.index = DenseIndex(folder, D, self.index)
        for key in removed:
            self.gone[key] = self.truth.pop(key)
        self.truth.update(added)
        shutil.rmtree(self._root / str(self._number - 1), ignore_errors=True)

    def add(self, count: int) -> None:
        keys = self.rng.integers(2**62, size=count).tolist()
        added = dict(zip(keys, clustered(self.rng, count), strict=True))
        if self.gone and self.rng.random() < 0.3:  # undone: what was removed comes back
            key, vector = self.gone.popitem()
            added[key] = vector
        self.commit(added, [])

    def remove(self, count: int) -> None:
        self.commit({}, self.rng.permutation(sorted(self.truth))[:count].tolist())

    def step(self) -> None:
        if self.rng.random() < 0.5 or not self.truth:
            self.add(int(self.rng.integers(1, 4)))
        else:
            self.remove(int(self.rng.integers(1, 4)))

    def query(self) -> np.ndarray:
        return clustered(self.rng, 1)[0]

    def best(self, query: np.ndarray, among: np.ndarray | None = None) -> list[int]:
        keys = np.array(sorted(self.truth) if among is None else among, np.int64)
        if not len(keys):
            return []
        cosines = np.array([self.truth[key] for key in keys.tolist()]) @ query
        return keys[np.lexsort((keys, -cosines))][:K].tolist()

    def recall(self, queries: int, scope: Scope | None = None) -> float:
        shared = total = 0
        for _ in range(queries):
            query = self.query()
            best = self.best(query, None if scope is None else scope.keys)
            found = self.index.search(query, K, scope)[0].tolist()
            shared, total = shared + len(set(found) & set(best)), total + len(best)
        return shared / total


@pytest.mark.parametrize("steps", [200, pytest.param(5_000, marks=pytest.mark.full)])
def test_exact_search_differs_from_brute_force_at_no_step(tmp_path: Path, steps: int) -> None:
    walk = Walk(tmp_path, EXACT, seed=7)
    for _ in range(steps):  # an edit and a search each
        walk.step()
        query = walk.query()
        keys, cosines = walk.index.search(query, K)
        best = walk.best(query)
        assert len(walk.index) == len(walk.truth)
        assert keys.tolist() == best
        exact = [walk.truth[key] @ query for key in best]
        np.testing.assert_allclose(cosines, exact, atol=1e-5)


@pytest.mark.parametrize("steps", [30, pytest.param(5_000, marks=pytest.mark.full)])
def test_approximate_search_finds_nearly_all_of_the_best(tmp_path: Path, steps: int) -> None:
    walk = Walk(tmp_path, LAYOUTS["approximate"], seed=8)
    walk.add(3_000)
    assert walk.index.kind.startswith("IVF")
    for number in range(steps):
        walk.step()
        if number % 10 == 0:
            keys = walk.index.search(walk.query(), K)[0].tolist()
            assert set(keys) <= set(walk.truth)
            assert len(set(keys)) == len(keys) == K
    assert len(walk.index) == len(walk.truth)
    assert walk.recall(200) >= 0.95


@pytest.fixture(scope="module", params=[*LAYOUTS])
def walked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    """A base of 3,000 vectors with a few deletions and additions."""
    walk = Walk(tmp_path_factory.mktemp("walk"), LAYOUTS[request.param], seed=9)
    walk.add(3_000)
    walk.remove(60)
    walk.add(40)
    return walk


@pytest.mark.parametrize("size", [1, 100, 1_500, 2_500])
def test_a_scope_costs_no_recall(walked: Walk, size: int) -> None:
    allowed = np.sort(walked.rng.permutation(sorted(walked.truth))[:size])
    assert walked.recall(60, Scope(allowed)) >= 0.99
    found = walked.index.search(walked.query(), K, Scope(allowed))[0]
    assert np.isin(found, allowed).all()
    assert len(found) == min(K, size)


def test_similarities_are_those_of_the_stored_vectors(walked: Walk) -> None:
    query = walked.query()
    keys = np.array(sorted(walked.truth)[:50], np.int64)
    vectors = np.array([walked.truth[key] for key in keys.tolist()])
    asked = np.array([*keys.tolist(), 5], np.int64)
    cosines = walked.index.similarity(query, asked)
    np.testing.assert_allclose(cosines[:-1], vectors @ query, atol=1e-3)
    assert np.isnan(cosines[-1])
    np.testing.assert_allclose(walked.index.vectors_of(asked)[:-1], vectors, atol=1e-3)
    assert np.isnan(walked.index.vectors_of(asked)[-1]).all()


def test_an_index_reads_back_as_it_was_written(walked: Walk) -> None:
    again = DenseIndex(walked.index.folder, D)
    assert len(again) == len(walked.index)
    for _ in range(20):
        query = walked.query()
        for mine, theirs in zip(again.search(query, K), walked.index.search(query, K), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_brute_force_over_the_files_is_brute_force_over_the_vectors(walked: Walk) -> None:
    queries = unit(walked.rng.normal(size=(20, D)))
    found = walked.index.search_all(queries, K)
    shared = [
        len({*row.tolist()} & {*walked.best(q)}) for row, q in zip(found, queries, strict=True)
    ]
    assert sum(shared) >= 0.99 * 20 * K  # float16 may swap the tenth and the eleventh


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_file_that_is_mapped_is_never_written_again(tmp_path: Path, name: str) -> None:
    walk = Walk(tmp_path, LAYOUTS[name], seed=10)
    walk.add(1_200)
    before, folder = walk.index, walk.index.folder
    assert folder is not None
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept, copy_function=lambda a, b: Path(b).hardlink_to(a))
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in kept.iterdir()}
    query = walk.query()
    answer = before.search(query, K)[0].tolist()
    for _ in range(5):
        walk.step()
    walk.remove(900)  # so many that the base is written anew
    assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in kept.iterdir()} == hashes
    assert before.search(query, K)[0].tolist() == answer


@pytest.mark.parametrize("ending", ["json", "keys.npy", "vectors.npy", "faiss"])
@pytest.mark.parametrize("damage", [b"", b"nothing of use"])
def test_a_damaged_segment_is_named(tmp_path: Path, ending: str, damage: bytes) -> None:
    settings = DenseSettings(exact_vectors=50)
    keys, vectors = np.arange(100), clustered(np.random.default_rng(1), 100)
    DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, vectors, keys[:0], settings)
    (tmp_path / "1" / f"000001.{ending}").write_bytes(damage)
    with pytest.raises(Damaged, match=r"000001.* is not a dense segment"):
        DenseIndex(tmp_path / "1", D)


def test_an_index_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    keys, vectors = np.arange(5), clustered(np.random.default_rng(1), 5)
    DenseIndex(None, D).write_next(tmp_path / "1", 1, keys, vectors, keys[:0])
    path = tmp_path / "1" / "segments.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(OperatorError, match=r"written by a newer Alcove .*upgrade") as refused:
        DenseIndex(tmp_path / "1", D)
    assert not isinstance(refused.value, Damaged)  # a repair would make it anew, in an older format


def test_the_layout_follows_size_and_memory() -> None:
    def plan(count: int, **settings: int) -> ann.Plan | None:
        return ann.plan(count, 384, DenseSettings(**settings))

    assert plan(30_000) is None
    assert plan(30_001) == ann.Plan(lists=346, width=2)
    assert plan(30_000, memory_mib=40) == ann.Plan(lists=346, width=2)
    assert plan(1_000_000) == ann.Plan(lists=2000, width=2)
    assert plan(1_000_000, memory_mib=80) == ann.Plan(lists=2000, width=4)
    assert plan(1_000_000, memory_mib=1) == ann.Plan(lists=2000, width=8)
    assert plan(2_000_000, exact_vectors=3_000_000, memory_mib=4096) is None
    assert plan(15, exact_vectors=1) is None  # too few to make codes of
