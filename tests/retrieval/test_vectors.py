"""The vector store embeds no text twice, and takes files that were written before there were checksums."""

from __future__ import annotations

import sqlite3

import numpy as np

from corpus.home import Home
from retrieval.vectors import VectorStore
from tests.fakes import HashEncoder


def test_a_text_is_embedded_once(home: Home) -> None:
    store = VectorStore(home, HashEncoder())
    first = store.embed(["red", "blue", "red"])
    again = store.embed(["blue", "red", "green"])
    assert (first[0] == again[1]).all()
    assert store.computed == 3
    store.close()


def test_more_texts_than_fit_a_statement_are_found(home: Home) -> None:
    store = VectorStore(home, HashEncoder())
    texts = [f"red box {n}" for n in range(1200)]
    np.testing.assert_array_equal(store.embed(texts), store.embed(texts))
    assert store.computed == 1200
    store.close()


def test_a_vector_takes_little_more_than_itself_on_disk(home: Home) -> None:
    store = VectorStore(home, HashEncoder(dimension=384))
    store.embed([f"red box {n}" for n in range(2_000)])
    store.close()
    stored = sum(path.stat().st_size for path in home.vectors.iterdir())
    assert stored < 2_000 * 384 * 4 * 1.6  # a tree filled in random order is full to two thirds


def test_pruning_keeps_what_is_named_and_leaves_no_other_space(home: Home) -> None:
    other = VectorStore(home, HashEncoder(name="other"))
    other.embed(["red"])
    other.close()
    store = VectorStore(home, HashEncoder())
    store.embed(["red", "blue"])
    store.prune(["red"])
    store.embed(["red", "blue"])
    assert store.computed == 3
    store.close()
    assert len(list(home.vectors.glob("*.sqlite"))) == 1


def test_a_file_without_checksums_is_taken_as_it_is(home: Home) -> None:
    encoder = HashEncoder()
    store = VectorStore(home, encoder)
    vectors = store.embed(["red", "blue"])
    store.close()
    (path,) = home.vectors.glob("*.sqlite")
    db = sqlite3.connect(path)
    db.executescript("ALTER TABLE vectors DROP COLUMN checksum; PRAGMA user_version = 0;")
    db.close()
    store = VectorStore(home, encoder)
    assert (store.embed(["red", "blue", "green"])[:2] == vectors).all()
    assert store.computed == 1
    store.close()
