"""The JSON of the HTTP API, key by key: what clients are built on may not drift."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI

from retrieval.timing import STAGES
from tests.fakes import FakeLLMServer
from tests.service_bench import ServiceBench, until

CITATION = {"n", "document", "source", "page", "start", "end", "quote", "support"}
DOCUMENT = {
    "id", "source", "title", "media_type", "collection", "pages", "state", "reason", "size",
    "chunks", "strategy", "chunking", "own_strategy", "added", "duplicates",
}  # fmt: skip
THREAD = {"id", "title", "created", "updated", "pinned", "messages"}
MESSAGE = {
    "id", "role", "content", "created", "citations", "engine", "model", "abstained",
    "interrupted", "steps", "error", "run", "claims", "usage", "feedback",
}  # fmt: skip
HIT = {
    "rank", "score", "chunk", "document", "source", "page", "start", "end", "text", "headings",
    "dense_rank", "lexical_rank", "duplicates", "window",
}  # fmt: skip
INSPECTED = HIT | {
    "collection", "title", "fused_rank", "fused_score", "dense_score", "lexical_score",
    "dense_part", "lexical_part", "rerank_score", "why",
}  # fmt: skip
LISTED = {
    "rank", "score", "chunk", "document", "source", "collection", "title", "page", "start", "end",
    "text", "headings", "fused_rank", "hit",
}  # fmt: skip
PASSAGE = {
    "number", "document", "source", "title", "page", "start", "end", "text", "headings", "score",
    "record",
}  # fmt: skip
JOB = {
    "id", "state", "done", "total", "files", "report", "error", "eta_s", "kind", "folder", "states",
}  # fmt: skip
STATUS = {"version", "home", "snapshot", "engine", "encoder", "collections", "states"}
OWNER_STATUS = STATUS | {
    "index", "memory", "parts", "started", "ready", "jobs", "max_file_mib",
}  # fmt: skip


def test_health_and_readiness(bench: ServiceBench) -> None:
    assert bench.get("/healthz") == {"status": "ok"}
    assert bench.get("/readyz") == {"ready": True}
    metrics = bench.http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")


def test_status(bench: ServiceBench) -> None:
    status = bench.get("/v1/status")
    assert set(status) == OWNER_STATUS
    assert set(status["engine"]) >= {"name", "model", "url", "label"}
    assert set(status["encoder"]) >= {"name", "dimension", "note"}
    assert status["states"] == {"indexed": 3}
    assert status["home"] == str(bench.home)


def test_collections(bench: ServiceBench) -> None:
    listed = bench.get("/v1/collections")
    assert set(listed) == {"collections"}
    assert {c["name"]: c["documents"] for c in listed["collections"]} == {"vault": 1, "work": 2}
    assert set(listed["collections"][0]) == {"name", "documents", "chunks", "readers"}
    sizes = [{k: c[k] for k in ("name", "documents", "chunks")} for c in listed["collections"]]
    assert bench.get("/v1/status")["collections"] == sizes


def test_search(bench: ServiceBench) -> None:
    found = bench.post("/v1/search", {"query": "soup", "k": 2, "mode": "hybrid"})
    assert set(found) == {"query", "snapshot", "hits", "timings_ms"}
    assert set(found["timings_ms"]) == {*STAGES, "search", "total"}
    assert set(found["hits"][0]) == HIT
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]


def test_search_takes_what_happens_after_fusion(bench: ServiceBench) -> None:
    body = {"query": "soup", "k": 1, "collapse": True, "diversity": 0.5, "neighbours": 1}
    (hit,) = bench.post("/v1/search", body)["hits"]
    window = hit["window"]
    assert set(window) == {"start", "end", "text"}
    assert len(window["text"]) == window["end"] - window["start"]
    assert hit["text"].split()[-1] in window["text"]
    assert bench.post("/v1/search", {"query": "soup", "pages": [900, 999]})["hits"] == []


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"mode": "dense", "k": 1},
        {"mode": "lexical", "collection": "work"},
        {"filters": {"media_type": "text/markdown"}, "collapse": True},
        {"diversity": 0.5, "neighbours": 1, "pages": [1, 9]},
    ],
)
def test_inspect_tells_of_the_hits_of_the_search(bench: ServiceBench, more: Any) -> None:
    body = {"query": "how long are backups kept", **more}
    told, found = bench.post("/v1/inspect", body), bench.post("/v1/search", body)
    assert set(told) == {
        "query", "snapshot", "settings", "hits", "dense", "lexical", "removed", "searched",
        "timings_ms",
    }  # fmt: skip
    assert [{key: hit[key] for key in HIT} for hit in told["hits"]] == found["hits"]
    assert all(set(hit) == INSPECTED for hit in told["hits"])
    assert all(set(entry) == LISTED for entry in (*told["dense"], *told["lexical"]))
    assert set(told["timings_ms"]) == {*found["timings_ms"], "explain"}
    removed = {"kind", "filter", "value", "documents", "chunks"}
    assert all(set(limit) == removed for limit in told["removed"])


def test_inspect_takes_other_settings_for_one_search(bench: ServiceBench) -> None:
    body = {"query": "soup", "fusion": "convex", "weights": {"dense": 1, "lexical": 3}, "depth": 60}
    used = bench.post("/v1/inspect", body)["settings"]
    assert (used["fusion"], used["depth"]) == ("convex", 60)
    assert used["weights"] == {"dense": 0.25, "lexical": 0.75}
    for wrong in (
        {"fusion": "magic"}, {"depth": 3}, {"depth": True}, {"weights": {"dense": 0, "lexical": 0}},
        {"weights": {"dense": -1, "lexical": 1}}, {"weights": {"dense": "1", "lexical": 1}},
        {"fusion": "rrf", "weights": {"dense": 1, "lexical": 1}},
    ):  # fmt: skip
        bench.post("/v1/inspect", {"query": "soup", **wrong}, 400)


def test_embeddings(bench: ServiceBench) -> None:
    made = bench.post("/v1/embeddings", {"input": ["a", "b"], "input_type": "query"})
    assert (made["object"], len(made["data"])) == ("list", 2)
    assert set(made["data"][0]) == {"object", "index", "embedding"}
    assert set(made["usage"]) == {"prompt_tokens", "total_tokens"}


def test_models(bench: ServiceBench) -> None:
    (model,) = bench.get("/v1/models")["data"]
    assert model == {"id": "alcove", "object": "model", "created": 0, "owned_by": "alcove"}


def test_chat_completions(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty days [1].")
    body = {"model": "alcove", "messages": [{"role": "user", "content": "How long are backups?"}]}
    reply = bench.post("/v1/chat/completions", body)
    assert set(reply) == {"id", "object", "created", "model", "choices", "usage"}
    message = reply["choices"][0]["message"]
    assert {"role", "content", "citations", "abstained"} <= set(message)
    assert set(message["citations"][0]) == CITATION


def test_documents(bench: ServiceBench) -> None:
    documents = bench.get("/v1/documents", params={"collection": "work"})["documents"]
    assert [set(d) for d in documents] == [DOCUMENT] * 2
    one = bench.get(f"/v1/documents/{documents[0]['id']}")
    assert set(one) == DOCUMENT | {"page_details", "missing", "metadata", "gone"}
    text = bench.get(f"/v1/documents/{documents[0]['id']}/text", params={"start": 2, "end": 9})
    assert set(text) == {"text", "start", "end", "length"}
    assert len(text["text"]) == 7
    bench.get(f"/v1/documents/{documents[0]['id']}/pages/1.png", 404)
    original = bench.http.get(f"/v1/documents/{documents[0]['id']}/original")
    assert original.headers["content-disposition"].startswith("attachment")
    assert set(bench.call("DELETE", f"/v1/documents/{documents[0]['id']}", 200)) == {"snapshot"}


def test_jobs(bench: ServiceBench) -> None:
    files = [("files", ("note.txt", b"A note."))]
    reply = bench.http.post("/v1/documents", files=files, data={"collection": "work"})
    assert reply.status_code == 202
    job = reply.json()["job"]
    assert set(bench.get(f"/v1/jobs/{job}")) == JOB
    assert [set(j) for j in bench.get("/v1/jobs")["jobs"]] == [JOB]
    assert bench.post(f"/v1/jobs/{job}/cancel")["state"] in {"cancelled", "done", "failed"}


def test_folders_of_this_machine_are_ingested_only_where_the_owner_allows_it(
    bench: ServiceBench,
) -> None:
    refused = bench.post("/v1/jobs", {"paths": ["/etc"]}, 403)
    assert refused["error"]["type"] == "NotAllowed"
    assert "[ingest] in alcove.toml" in refused["error"]["message"]


def test_a_search_can_be_filtered(bench: ServiceBench) -> None:
    wanted = {"query": "soup", "filters": {"media_type": "text/none"}}
    assert bench.post("/v1/search", wanted)["hits"] == []
    unknown = bench.post("/v1/search", {"query": "soup", "filters": {"colour": "red"}}, 400)
    assert "filter by one of media_type, title" in unknown["error"]["message"]


def test_threads(bench: ServiceBench) -> None:
    thread = bench.post("/v1/threads", {"title": "Ops"}, 201)
    assert set(thread) == THREAD | {"snippet"}
    assert bench.get("/v1/threads") == {"threads": [thread], "total": 1, "next": None}
    shown = bench.get(f"/v1/threads/{thread['id']}")
    assert set(shown) == THREAD | {"active_run", "earlier"}
    assert (shown["messages"], shown["active_run"]) == ([], None)
    at = f"/v1/threads/{thread['id']}"
    changed = bench.call("PATCH", at, 200, json={"title": "Other"})
    assert changed == {**thread, "title": "Other"}
    assert bench.get(at)["title"] == "Other"
    bench.call("DELETE", f"{at}?undo_s=60", 204)
    bench.get(at, 404)
    assert bench.post(f"{at}/restore") == changed
    bench.call("DELETE", at, 204)


def test_runs(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty ", "days [1].")
    ids = bench.ask()
    assert set(ids) == {"run", "thread", "message"}
    events = list(bench.events(ids["run"]))
    run = bench.get(f"/v1/runs/{ids['run']}")
    assert run == {
        "id": ids["run"], "thread": ids["thread"], "state": "done", "events": len(events)
    }  # fmt: skip
    by_kind = {event["kind"]: set(event) - {"n", "kind"} for event in events}
    assert by_kind == {
        "retrieved": {"passages", "snapshot", "timings_ms"},
        "token": {"text"},
        "answered": {"answer"},
    }
    assert set(events[0]["passages"][0]) == PASSAGE
    answer = events[-1]["answer"]
    assert {"answer", "abstained", "engine", "model", "citations", "timings_ms"} <= set(answer)
    messages = bench.get(f"/v1/threads/{ids['thread']}")["messages"]
    assert [set(message) for message in messages] == [MESSAGE] * 2
    assert set(messages[1]["citations"][0]) == CITATION


def test_tool_events(bench: ServiceBench) -> None:
    events, _ = bench.answer("/search soup")
    by_kind = {event["kind"]: set(event) - {"n", "kind"} for event in events}
    assert by_kind["tool_call"] == {"id", "name", "arguments"}
    assert by_kind["tool_result"] == {"id", "name", "text", "ok"}


def test_last_events_of_runs_that_do_not_end_well(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.fail(401, "no")
    failed = bench.answer()[0][-1]
    assert set(failed) == {"n", "kind", "error", "message", "partial"}
    llm.say("word ", end="hang")
    ids = bench.ask()
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["events"] >= 2)
    cancelled = bench.post(f"/v1/runs/{ids['run']}/cancel")
    assert set(cancelled) == {"id", "thread", "state", "events"}
    assert set(list(bench.events(ids["run"]))[-1]) == {"n", "kind", "partial"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/threads/nix", None, 404),
        ("POST", "/v1/search", {"query": ""}, 400),
        ("POST", "/v1/search", {"query": "x", "mode": "psychic"}, 400),
        ("POST", "/v1/search", {"query": "x", "collection": "nix"}, 404),
        ("POST", "/v1/search", {"wrong": 1}, 400),
        ("PUT", "/v1/threads", None, 405),
        ("GET", "/nowhere", None, 404),
    ],
)
def test_every_error_has_one_shape(
    bench: ServiceBench, method: str, path: str, body: Any, status: int
) -> None:
    reply = bench.call(method, path, status, json=body)
    assert set(reply) == {"error"}
    assert set(reply["error"]) == {"type", "message"}
    assert "\n" not in reply["error"]["message"]


def test_the_openapi_description_is_well_formed(bench: ServiceBench) -> None:
    raw = bench.get("/openapi.json")
    OpenAPI.model_validate(raw)
    operations = [op for path in raw["paths"].values() for op in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    for operation in operations:
        assert operation["description"], operation["operationId"]
    for reference in _references(raw):
        node: Any = raw
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in _references(value)]
    if isinstance(node, list):
        return [r for value in node for r in _references(value)]
    return []
