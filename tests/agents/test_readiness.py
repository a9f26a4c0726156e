"""When the service says that it can answer, why it cannot, and what it counts."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import Overloaded
from retrieval.protocols import Encoder
from tests.fakes import FakeLLMServer, HashEncoder
from tests.service_bench import ServiceBench, until


@pytest.fixture
def stopped(indexed_home: Path, tmp_path: Path) -> Iterator[ServiceBench]:
    """A service with documents, which the test starts."""
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, None)
    yield made
    made.close()


def start_with(bench: ServiceBench, encoder: Encoder) -> str:
    """Start the service with an encoder; why it is not ready."""
    bench.load_encoder = lambda *_: (encoder, "test")
    bench.start(wait=False)
    until(lambda: bench.app.starting() == "")
    return str(bench.get("/readyz", 503)["reason"])


def metric(bench: ServiceBench, line: str) -> float:
    text = bench.http.get("/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found, f"{line} is not in {text}"
    return float(found[1])


def damage(home: Path) -> tuple[Path, bytes]:
    """Flip a bit of the live snapshot's dense index: the file, and what was in it."""
    path = max(home.glob("snapshots/v*/dense/*.vectors.npy"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    return path, whole


class Broken(HashEncoder):
    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        return super().encode_queries(texts) * np.nan


def test_an_encoder_whose_test_embedding_is_wrong_answers_nothing(stopped: ServiceBench) -> None:
    assert "a test embedding of 'hash' is not made of numbers" in start_with(stopped, Broken())
    error = stopped.post("/v1/search", {"query": "soup"}, 503)["error"]
    assert error["type"] == "OperatorError"


def test_an_encoder_of_another_space_is_the_reason_given(stopped: ServiceBench) -> None:
    assert "model 'hash' against 'other'" in start_with(stopped, HashEncoder(name="other"))
    stopped.post("/v1/search", {"query": "soup"}, 409)
    assert metric(stopped, "alcove_ready") == 0


def test_an_index_that_is_damaged_is_not_ready_until_it_is_mended(stopped: ServiceBench) -> None:
    path, whole = damage(stopped.home)
    for older in sorted(stopped.home.glob("snapshots/v*"))[:-1]:
        shutil.rmtree(older)  # none may stand in
    assert path.name in start_with(stopped, HashEncoder())
    assert stopped.post("/v1/search", {"query": "soup"}, 503)["error"]["type"] == "Damaged"
    assert stopped.get("/healthz") == {"status": "ok"}
    path.write_bytes(whole)
    assert stopped.get("/readyz") == {"ready": True}


def test_while_an_older_snapshot_stands_in_it_is_ready(stopped: ServiceBench) -> None:
    damage(stopped.home)
    stopped.start()
    live = stopped.app.catalog.snapshot
    assert stopped.post("/v1/search", {"query": "soup"})["snapshot"] < live


def test_searching_is_refused_while_the_models_are_being_loaded(stopped: ServiceBench) -> None:
    release = threading.Event()

    def slow(*_: object) -> tuple[Encoder, str]:
        release.wait(10)
        return HashEncoder(), "slow"

    stopped.load_encoder = slow
    stopped.start(wait=False)
    refused = stopped.http.post("/v1/search", json={"query": "soup"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["type"] == "NotReady"
    release.set()
    until(lambda: stopped.http.get("/readyz").status_code == 200)
    assert stopped.post("/v1/search", {"query": "soup"})["hits"]
    assert metric(stopped, 'alcove_refusals_total{reason="unready",route="/v1/search"}') == 1


def test_metrics_tell_of_searches_stages_batches_and_the_index(stopped: ServiceBench) -> None:
    stopped.start()
    batches = 'alcove_query_batch_size_bucket{le="1.0"}'
    warming_up = metric(stopped, batches)
    for mode in ("dense", "lexical", "hybrid", "hybrid"):
        timings = stopped.post("/v1/search", {"query": "soup", "mode": mode})["timings_ms"]
    stopped.post("/v1/embeddings", {"input": ["a", "b", "c"], "input_type": "query"})
    assert metric(stopped, 'alcove_searches_total{mode="hybrid"}') == 2
    for stage in timings:
        assert metric(stopped, f'alcove_search_stage_seconds_count{{stage="{stage}"}}') >= 3
    assert metric(stopped, batches) - warming_up == 3
    assert metric(stopped, 'alcove_query_batch_size_bucket{le="4.0"}') - warming_up == 4
    assert metric(stopped, "alcove_query_batch_size_sum") - warming_up == 6
    assert metric(stopped, "alcove_index_chunks") == 3
    assert metric(stopped, "alcove_snapshot_swaps_total") == 0
    document = stopped.get("/v1/documents")["documents"][0]["id"]
    stopped.call("DELETE", f"/v1/documents/{document}", 200)
    assert metric(stopped, "alcove_snapshot_swaps_total") == 1
    assert metric(stopped, "alcove_index_chunks") == 2
    assert metric(stopped, 'alcove_queue_waiting{route="/v1/embeddings"}') == 0


def test_too_many_questions_are_told_when_to_ask_again(
    indexed_home: Path, tmp_path: Path, llm: FakeLLMServer
) -> None:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    bench = ServiceBench(home, llm, service={"workers": 1, "waiting": 0})
    bench.start()
    try:
        llm.say("word ", end="hang")
        bench.ask()
        body = {"thread": bench.thread(), "question": "And?"}
        refused = bench.http.post("/v1/runs", json=body)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.json()["error"]["type"] == Overloaded.__name__
        chat = {"messages": [{"role": "user", "content": "And?"}]}
        assert bench.http.post("/v1/chat/completions", json=chat).status_code == 429
    finally:
        bench.close()


def test_an_answer_carries_the_time_its_stages_took(stopped: ServiceBench) -> None:
    stopped.start()
    body = {"messages": [{"role": "user", "content": "How long are backups kept?"}]}
    message = stopped.post("/v1/chat/completions", body)["choices"][0]["message"]
    assert {"search", "total"} <= set(message["timings_ms"])
