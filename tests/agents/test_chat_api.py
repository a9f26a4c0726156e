"""OpenAI clients can use the service as it is, and get checked citations besides."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.fakes import FakeLLMServer
from tests.service_bench import ASK, ServiceBench, sse, until

Json = dict[str, Any]


def body(*messages: tuple[str, str], **fields: Any) -> Json:
    turns = [{"role": role, "content": content} for role, content in messages or [("user", ASK)]]
    return {"model": "alcove", "messages": turns, **fields}


def streamed(bench: ServiceBench, request: Json) -> list[Json]:
    with bench.http.stream("POST", "/v1/chat/completions", json=request) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(sse(response))


@pytest.fixture
def patient_bench(indexed_home: Path, tmp_path: Path, llm: FakeLLMServer) -> Iterator[ServiceBench]:
    """A service that waits long for its model, so that nobody but a leaving client ends a stream."""
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, llm, llm={"first_token_s": 30, "gap_s": 30})
    made.start()
    yield made
    made.close()


def test_a_whole_answer_has_its_citations_in_the_message(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("They are kept for thirty days [1].")
    reply = bench.post("/v1/chat/completions", body())
    (choice,) = reply["choices"]
    assert reply["object"] == "chat.completion"
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    message = choice["message"]
    assert (message["role"], message["abstained"]) == ("assistant", False)
    assert message["content"] == "They are kept for thirty days [1]."
    assert "thirty days" in message["citations"][0]["quote"]
    assert [claim["verdict"] for claim in message["claims"]] == ["supported"]
    usage = reply["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_stream_ends_with_citations_and_done(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("They are kept ", "for thirty ", "days [1].")
    with bench.http.stream("POST", "/v1/chat/completions", json=body(stream=True)) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    llm.say("They are kept ", "for thirty ", "days [1].")
    chunks = streamed(bench, body(stream=True))
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(d.get("content", "") for d in deltas) == "They are kept for thirty days [1]."
    assert deltas[-1]["citations"][0]["n"] == 1
    assert deltas[-1]["abstained"] is False
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_the_official_client_understands_every_shape(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    with openai.OpenAI(base_url=f"{bench.url}/v1", api_key="x", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["alcove"]
        llm.say("Thirty days [1].")
        whole = client.chat.completions.create(
            model="alcove", messages=[{"role": "user", "content": ASK}], temperature=0.0
        )
        assert whole.choices[0].message.content == "Thirty days [1]."
        llm.say("Thirty ", "days [1].")
        with client.chat.completions.create(
            model="alcove", messages=[{"role": "user", "content": ASK}], stream=True
        ) as chunks:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text == "Thirty days [1]."
        with pytest.raises(openai.NotFoundError, match="'gpt'"):
            client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": ASK}])
        vectors = client.embeddings.create(
            model="any", input=["one", "two"], encoding_format="float"
        )
        assert [len(v.embedding) for v in vectors.data] == [256, 256]


def test_earlier_messages_are_the_conversation(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("How long are the backups kept?")  # the condensed question
    llm.say("Thirty days [1].")
    turns = [("system", "Be a pirate."), ("user", "Backups?"), ("assistant", "Every night.")]
    bench.post("/v1/chat/completions", body(*turns, ("user", "And how long?")))
    said = [m["content"] for m in llm.chats[-1]["messages"]]
    assert "Every night." in said
    assert not any("pirate" in content for content in said)


def test_content_in_parts_is_read(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty days [1].")
    parts = [{"type": "text", "text": ASK}]
    request = {"model": "alcove", "messages": [{"role": "user", "content": parts}]}
    assert bench.post("/v1/chat/completions", request)["choices"]
    parts.append({"type": "image_url", "text": ""})
    assert "text only" in bench.post("/v1/chat/completions", request, 400)["error"]["message"]


@pytest.mark.parametrize(
    ("request_body", "status", "part"),
    [
        ({"model": "alcove", "messages": []}, 400, "messages"),
        ({"model": "alcove"}, 400, "messages"),
        (body(("user", "  ")), 400, "question"),
        (body(("assistant", "hello")), 400, "question"),
        (body(("wizard", "hello")), 400, "role"),
        (body(("user", "x" * 100_000)), 400, "100000 characters"),
        (body(model="gpt"), 404, "'gpt'"),
        (body(collection="nix"), 404, "'nix'"),
    ],
)
def test_a_bad_request_is_answered_in_the_openai_error_shape(
    bench: ServiceBench, request_body: Json, status: int, part: str
) -> None:
    error = bench.post("/v1/chat/completions", request_body, status)["error"]
    assert part in error["message"]
    assert error["type"]


def test_a_body_that_is_no_json_is_refused(bench: ServiceBench) -> None:
    response = bench.http.post(
        "/v1/chat/completions", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_a_model_that_is_down_is_a_bad_gateway(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.__exit__()
    error = bench.post("/v1/chat/completions", body(), 502)["error"]
    assert error["type"] == "ModelUnavailable"
    assert llm.url in error["message"]


def test_an_error_mid_stream_is_the_last_chunk(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("They ", "are", end="cut")
    chunks = streamed(bench, body(stream=True))
    last = chunks[-1]
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["error"]["type"] == "ModelBroke"
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    assert text == "They are"


def test_a_client_that_leaves_a_stream_stops_the_model(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("word ", end="endless")
    request = body(stream=True)
    with bench.http.stream("POST", "/v1/chat/completions", json=request) as response:
        events = sse(response)
        while not next(events)["choices"][0]["delta"].get("content"):
            pass
    until(lambda: llm.gone == 1)
    until(lambda: bench.app.runs.active == 0)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_while_nothing_comes_stops_the_model(
    patient_bench: ServiceBench, llm: FakeLLMServer, stream: bool
) -> None:
    llm.say("word ", end="hang")
    request = body(stream=stream)
    with pytest.raises(httpx.ReadTimeout):
        patient_bench.http.post("/v1/chat/completions", json=request, timeout=2)
    until(lambda: llm.gone == 1)
    until(lambda: patient_bench.app.runs.active == 0)


def test_many_clients_that_leave_leak_nothing(bench: ServiceBench, llm: FakeLLMServer) -> None:
    before = threading.active_count()
    for _ in range(20):
        llm.say("word ", end="endless")
    request = body(stream=True)
    for number in range(20):
        with bench.http.stream("POST", "/v1/chat/completions", json=request) as response:
            events = sse(response)
            while not next(events)["choices"][0]["delta"].get("content"):
                pass
        until(lambda n=number: llm.gone == n + 1)
    until(lambda: bench.app.runs.active == 0)
    until(lambda: threading.active_count() <= before + 6)


def test_one_off_answers_leave_no_conversation(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty days [1].")
    bench.post("/v1/chat/completions", body())
    assert bench.get("/v1/threads")["threads"] == []
