"""The service while its index moves to another embedding space, and back."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from corpus.catalog import Catalog
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.reindex import Reindexer
from ingest.settings import IngestSettings
from retrieval.fingerprint import Fingerprint
from retrieval.protocols import Encoder
from tests.fakes import HashEncoder
from tests.service_bench import ServiceBench, until

ENCODERS = (HashEncoder(), HashEncoder(64, "next"))


def load(home: Home, space: Fingerprint | None) -> tuple[Encoder, str]:
    time.sleep(0.3)  # as a model takes a while
    return next((e for e in ENCODERS if e.fingerprint == space), ENCODERS[0]), "test"


@pytest.fixture
def moving(indexed_home: Path, tmp_path: Path) -> Iterator[ServiceBench]:
    """A service whose encoder is that of the index."""
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, None, corpus={"keep_snapshots": 5})
    made.load_encoder = load
    made.start()
    yield made
    made.close()


def move(bench: ServiceBench, encoder: HashEncoder, *, back: bool = False) -> int:
    """Another process would do so; the number of the snapshot that is live then."""
    home = Home(bench.home)
    corpus = CorpusSettings(home=home.root, keep_snapshots=5)
    with (
        closing(Catalog(home)) as catalog,
        closing(Reindexer(home, catalog, encoder, IngestSettings(), corpus)) as reindexer,
    ):
        return (reindexer.back() if back else reindexer.run()).snapshot


class Client(threading.Thread):
    """Searches all the time and keeps (status, snapshot, model of the embeddings route)."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.ending = url, threading.Event()
        self.answers: list[tuple[int, int]] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=20, trust_env=False) as http:
            while not self.ending.is_set():
                response = http.post("/v1/search", json={"query": "backups", "mode": "dense"})
                body = response.json()
                self.answers.append((response.status_code, body.get("snapshot", 0)))
                assert response.is_error or body["hits"]


def test_no_query_fails_while_the_index_moves_there_and_back(moving: ServiceBench) -> None:
    first = moving.post("/v1/search", {"query": "backups"})["snapshot"]
    clients = [Client(moving.url) for _ in range(4)]
    for client in clients:
        client.start()
    numbers = [first]
    for encoder, back in ((ENCODERS[1], False), (ENCODERS[0], True), (ENCODERS[1], False)):
        numbers.append(move(moving, encoder, back=back))
        until(lambda: all(client.answers[-1][1] == numbers[-1] for client in clients))
        embedded = moving.post("/v1/embeddings", {"input": "x"})
        assert embedded["model"] == encoder.fingerprint.model
        assert len(embedded["data"][0]["embedding"]) == encoder.fingerprint.dimension
    for client in clients:
        client.ending.set()
        client.join()
        assert {status for status, _ in client.answers} == {200}
        assert {snapshot for _, snapshot in client.answers} <= set(numbers)
        moves = [snapshot for _, snapshot in client.answers]
        assert moves == sorted(moves)
    spaces = {n: SnapshotStore(Home(moving.home)).open(n).body["fingerprint"] for n in numbers}
    assert [spaces[n]["model"] for n in numbers] == ["hash", "next", "hash", "next"]


def test_answers_and_status_use_the_encoder_that_the_index_has_now(moving: ServiceBench) -> None:
    moving.answer()
    assert moving.get("/v1/status")["encoder"]["name"] == "hash"
    number = move(moving, ENCODERS[1])
    until(lambda: moving.post("/v1/search", {"query": "backups"})["snapshot"] == number)
    _, message = moving.answer()
    assert message["model"] == "next"  # the extractive engine's model is the encoder
    assert message["citations"]
    encoder = moving.get("/v1/status")["encoder"]
    assert (encoder["name"], encoder["dimension"]) == ("next", 64)


def test_a_document_is_removed_right_after_a_move(moving: ServiceBench) -> None:
    (document, *_) = moving.get("/v1/documents")["documents"]
    number = move(moving, ENCODERS[1])
    assert moving.call("DELETE", f"/v1/documents/{document['id']}", 200)["snapshot"] == number + 1
    until(lambda: moving.post("/v1/search", {"query": "backups"})["snapshot"] == number + 1)
    found = moving.post("/v1/search", {"query": "backups", "mode": "dense"})["hits"]
    assert document["id"] not in {hit["document"] for hit in found}
