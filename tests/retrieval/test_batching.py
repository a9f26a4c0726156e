"""Queries of many callers, encoded together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from corpus.errors import OperatorError
from retrieval.batching import BatchingEncoder
from retrieval.health import check_encoder
from tests.fakes import HashEncoder
from tests.service_bench import until


class HeldEncoder(HashEncoder):
    """Encodes when it is let go; refuses the text 'bad'; notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)
        self.batches: list[list[str]] = []

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(list(texts))
        assert self.go.acquire(timeout=10)
        if "bad" in texts:
            raise OperatorError(f"one of {len(texts)} texts is bad")
        return super().encode_queries(texts)


class Crowd:
    """Callers in threads of their own."""

    def __init__(self, lanes: int = 1, most: int = 32) -> None:
        self.held = HeldEncoder()
        self.encoder = BatchingEncoder(self.held, lanes, most)
        self.pool = ThreadPoolExecutor(16)

    def ask(self, *texts: str) -> Future[np.ndarray]:
        """One caller's queries; returns once they wait or are being encoded."""
        before = self._arrived()
        answer = self.pool.submit(self.encoder.encode_queries, texts)
        until(lambda: self._arrived() > before)
        return answer

    def _arrived(self) -> int:
        return len(self.held.batches) + len(self.encoder._waiting)

    def let_go(self, batches: int = 1) -> None:
        for _ in range(batches):
            self.held.go.release()


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def same(answer: Future[np.ndarray], *texts: str) -> bool:
    return bool((answer.result(5) == HashEncoder().encode_queries(texts)).all())


def test_a_lone_query_is_encoded_at_once_and_those_behind_it_together(crowd: Crowd) -> None:
    first = crowd.ask("a")
    others = {text: crowd.ask(text) for text in ("b", "c", "d")}
    assert crowd.held.batches == [["a"]]
    crowd.let_go(2)
    assert same(first, "a")
    assert all(same(answer, text) for text, answer in others.items())
    assert crowd.held.batches == [["a"], ["b", "c", "d"]]
    assert crowd.encoder.sizes == {1: 1, 3: 1}


def test_each_caller_gets_its_own_vectors_in_their_order(crowd: Crowd) -> None:
    first, second, third = crowd.ask("x"), crowd.ask("red box", "blue car"), crowd.ask("tree")
    crowd.let_go(2)
    assert same(first, "x")
    assert same(second, "red box", "blue car")
    assert same(third, "tree")


def test_an_error_reaches_the_caller_it_belongs_to_and_nobody_else(crowd: Crowd) -> None:
    first, *others = [crowd.ask(text) for text in ("a", "b", "bad", "c")]
    crowd.let_go(5)  # "a", then the three together, then each of them alone
    assert same(first, "a")
    with pytest.raises(OperatorError, match="one of 1 texts is bad"):
        others[1].result(5)
    assert same(others[0], "b")
    assert same(others[2], "c")


def test_a_batch_is_bounded(crowd: Crowd) -> None:
    crowd = Crowd(most=2)
    answers = [crowd.ask(text) for text in "abcd"]
    crowd.let_go(3)
    assert all(same(answer, text) for text, answer in zip("abcd", answers, strict=True))
    assert [len(batch) for batch in crowd.held.batches] == [1, 2, 1]
    crowd.let_go()
    assert len(crowd.ask("a", "b", "c").result(5)) == 3  # one caller's queries are never split


def test_lanes_work_side_by_side() -> None:
    crowd = Crowd(lanes=2)
    answers = [crowd.ask(text) for text in "abcd"]
    assert crowd.held.batches == [["a"], ["b"]]
    crowd.let_go(4)
    assert all(same(answer, text) for text, answer in zip("abcd", answers, strict=True))


def test_after_errors_and_batches_a_lone_query_still_goes_at_once(crowd: Crowd) -> None:
    for text in ("bad", "a", "bad"):
        crowd.let_go()
        answer = crowd.ask(text)
        assert (answer.exception(5) is not None) == (text == "bad")
    assert [len(batch) for batch in crowd.held.batches] == [1, 1, 1]


def test_many_threads_get_what_they_would_get_alone() -> None:
    encoder = BatchingEncoder(HashEncoder())
    texts = [f"word{n} box" for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: encoder.encode_queries([text])[0], texts))
    assert (np.array(found) == HashEncoder().encode_queries(texts)).all()
    assert sum(size * count for size, count in encoder.sizes.items()) == len(texts)


def test_passages_and_everything_else_pass_through() -> None:
    plain = HashEncoder()
    encoder = BatchingEncoder(plain)
    assert (encoder.encode_passages(["red box"]) == plain.encode_passages(["red box"])).all()
    assert encoder.fingerprint is plain.fingerprint
    assert encoder.count_tokens("red box.") == 3


class Faulty(HashEncoder):
    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.calls = fault, 0

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = super().encode_queries(texts)
        self.calls += 1
        if self.fault == "nan":
            vectors[:, 0] = np.nan
        elif self.fault == "long":
            vectors *= 2
        elif self.fault == "narrow":
            vectors = vectors[:, :10]
        elif self.fault == "moody":
            vectors = np.roll(vectors, self.calls, axis=1)
        return vectors


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nan", "not made of numbers"),
        ("long", "length 2.000, not 1"),
        ("narrow", r"shape \(1, 10\), not \(1, 256\)"),
        ("moody", "differently the second time"),
    ],
)
def test_a_test_embedding_shows_an_encoder_that_does_not_work(fault: str, words: str) -> None:
    check_encoder(Faulty(""))
    with pytest.raises(OperatorError, match=words):
        check_encoder(Faulty(fault))
