"""What a request may get wrong: each is one sentence with a status of 400 to 499, and changes nothing on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service_bench import ServiceBench

SURROGATE, HALF = "\ud800", "a lone surrogate"
SEARCH, EMBED, RUNS, CHAT = "/v1/search", "/v1/embeddings", "/v1/runs", "/v1/chat/completions"
THREADS, FEEDBACK, JOBS = "/v1/threads", "/v1/feedback", "/v1/jobs"
LONG = "x " * 50_000


@pytest.fixture(scope="module")
def service(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceBench]:
    """One service for all: none of these requests may change anything."""
    home = Path(shutil.copytree(indexed_home, tmp_path_factory.mktemp("bad") / "home"))
    made = ServiceBench(home, None)
    made.start()
    yield made
    made.close()


def on_disk(home: Path) -> dict[str, str]:
    """Every file with its checksum, but for SQLite's shared memory, which readers write too."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


def chat(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **more}


BODIES: list[tuple[str, Any, str]] = [
    (SEARCH, {"query": ""}, "the question is empty"),
    (SEARCH, {"query": " \n\t\u3000"}, "the question is empty"),
    (SEARCH, {"query": LONG}, "the question has 100000 characters, at most 20000 are allowed"),
    (SEARCH, {"query": SURROGATE}, HALF),
    (SEARCH, {"query": 7}, "query"),
    (SEARCH, {"query": None}, "query"),
    (SEARCH, {"query": ["x"]}, "query"),
    (SEARCH, {"query": "x", "k": 0}, "k is 0; give a number from 1 to 1000"),
    (SEARCH, {"query": "x", "k": -1}, "k is -1"),
    (SEARCH, {"query": "x", "k": 1001}, "k is 1001"),
    (SEARCH, {"query": "x", "k": 10**30}, "k is 1000"),
    (SEARCH, {"query": "x", "k": 2.5}, "k"),
    (SEARCH, {"query": "x", "k": "5"}, "k"),
    (SEARCH, {"query": "x", "k": True}, "k"),
    (SEARCH, {"query": "x", "k": None}, "k"),
    (SEARCH, {"query": "x", "k": float("nan")}, "k"),
    (SEARCH, {"query": "x", "k": float("inf")}, "k"),
    (SEARCH, {"query": "x", "mode": "psychic"}, "use one of dense, lexical, hybrid"),
    (SEARCH, {"query": "x", "mode": SURROGATE}, HALF),
    (SEARCH, {"query": "x", "mode": None}, "mode"),
    (SEARCH, {"query": "x", "collection": "nix"}, "no collection 'nix'"),
    (SEARCH, {"query": "x", "collection": ""}, "no collection ''"),
    (SEARCH, {"query": "x", "collection": "x" * 201}, "collection"),
    (SEARCH, {"query": "x", "collection": SURROGATE}, HALF),
    (SEARCH, {"query": "x", "filters": {"colour": "red"}}, "no document has the metadata 'colour'"),
    (SEARCH, {"query": "x", "filters": {"": "red"}}, "no document has the metadata ''"),
    (SEARCH, {"query": "x", "filters": {"title": 7}}, "filters"),
    (SEARCH, {"query": "x", "filters": {"title": SURROGATE}}, HALF),
    (SEARCH, {"query": "x", "filters": {SURROGATE: "x"}}, HALF),
    (SEARCH, {"query": "x", "filters": {str(n): "x" for n in range(33)}}, "filters"),
    (SEARCH, {"query": "x", "filters": ["title"]}, "filters"),
    (SEARCH, {"query": "x", "surprise": 1}, "surprise"),
    (SEARCH, {"query": "x", SURROGATE: 1}, HALF),
    (SEARCH, {}, "query"),
    (SEARCH, [], "body"),
    (SEARCH, "x", "body"),
    (SEARCH, None, "body"),
    (EMBED, {"input": []}, "input"),
    (EMBED, {"input": ""}, "input"),
    (EMBED, {"input": ["x", ""]}, "input"),
    (EMBED, {"input": ["x"] * 257}, "input"),
    (EMBED, {"input": [1, 2]}, "input"),
    (EMBED, {"input": SURROGATE}, HALF),
    (EMBED, {"input": "x", "input_type": "poem"}, "input_type"),
    (EMBED, {"input": "x", "encoding_format": "base65"}, "encoding_format"),
    (EMBED, {}, "input"),
    (RUNS, {"thread": "nix", "question": "x"}, "no thread 'nix'"),
    (RUNS, {"thread": "nix", "question": SURROGATE}, HALF),
    (RUNS, {"thread": SURROGATE, "question": "x"}, HALF),
    (CHAT, chat(""), "must be a question"),
    (CHAT, chat(SURROGATE), HALF),
    (CHAT, chat(LONG), "100000 characters"),
    (CHAT, chat([{"type": "image_url"}]), "text only"),
    (CHAT, chat("x", model="gpt"), "no model 'gpt'"),
    (CHAT, {"messages": []}, "messages"),
    (CHAT, {"messages": [{"role": "oracle", "content": "x"}]}, "role"),
    (THREADS, {"title": SURROGATE}, HALF),
    (THREADS, {"title": "x" * 201}, "title"),
    (FEEDBACK, {"message": "nix", "rating": 1}, "no message 'nix'"),
    (FEEDBACK, {"message": "nix", "rating": float("nan")}, "rating"),
    (JOBS, {"paths": []}, "paths"),
    (JOBS, {"paths": ["\0"]}, "may not read"),
    (JOBS, {"paths": [SURROGATE]}, HALF),
    (JOBS, {"paths": ["/etc"], "collection": SURROGATE}, HALF),
    (JOBS, {"paths": ["/etc"], "strategy": "magic"}, "no chunking strategy 'magic'"),
]  # fmt: skip

RAW = [
    b"", b"{", b'{"query": "x"', b'{"query": "x",}', b"\xff\xfe", b'{"query": "\xff"}', b"NaN",
    b'{"query": "x", "k": NaN}', b'{"query": "x", "k": -Infinity}', b'{"query": "x", "k": 1e400}',
    b'{"query": "x", "k": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000,
    b'{"query": "\\udfff"}', b"query=x",
]  # fmt: skip


def refused(service: ServiceBench, path: str, raw: bytes) -> str:
    """The sentence that a request is refused with."""
    reply = service.http.post(path, content=raw, headers={"Content-Type": "application/json"})
    assert 400 <= reply.status_code < 500, reply.text
    assert set(reply.json()) == {"error"}
    error = reply.json()["error"]
    assert set(error) == {"type", "message"}
    assert "\n" not in error["message"]
    assert len(error["message"]) < 400
    return str(error["message"])


@pytest.mark.parametrize(("path", "body", "words"), BODIES, ids=lambda value: str(value)[:40])
def test_a_wrong_body_is_one_sentence(
    service: ServiceBench, path: str, body: Any, words: str
) -> None:
    before = on_disk(service.home)
    assert words in refused(service, path, json.dumps(body).encode())
    assert on_disk(service.home) == before


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: repr(raw[:30]))
def test_what_is_no_json_is_one_sentence(service: ServiceBench, raw: bytes) -> None:
    before = on_disk(service.home)
    refused(service, SEARCH, raw)
    assert on_disk(service.home) == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/documents/%ED%A0%80", "/v1/documents/%00", "/v1/documents/x/text?start=-1",
        "/v1/documents/x/text?start=NaN", "/v1/documents/x/text?end=1e3", "/v1/threads/%FF",
        "/v1/documents/x/pages/0.png?width=99", "/v1/documents/x/pages/one.png",
        "/v1/runs/x/events?after=-1", "/v1/runs/x/events?after=" + "9" * 5000,
        "/v1/jobs/%ED%A0%80", "/v1/documents/x/text?start=99999999999999999999999999",
    ],
)  # fmt: skip
def test_a_wrong_address_is_one_sentence(service: ServiceBench, path: str) -> None:
    reply = service.http.get(path)
    assert 400 <= reply.status_code < 500, reply.text
    assert "\n" not in reply.json()["error"]["message"]


def test_an_unknown_collection_has_no_documents(service: ServiceBench) -> None:
    for name in ("nix", "%ED%A0%80", "%00"):
        found = service.get(f"/v1/documents?collection={name}")
        assert (found["documents"], found["total"]) == ([], 0)


def test_more_than_there_is_gives_all_there_is(service: ServiceBench) -> None:
    found = service.post(SEARCH, {"query": "soup backups vault", "k": 1000})
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]


def test_an_empty_corpus_says_how_to_fill_it(tmp_path: Path) -> None:
    bench = ServiceBench(tmp_path / "home", None)
    bench.start()
    try:
        error = bench.post(SEARCH, {"query": "x"}, 409)["error"]
        assert error["type"] == "Conflict"
        assert "add some with `alcove ingest`" in error["message"]
    finally:
        bench.close()
