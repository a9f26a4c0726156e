"""The service over real sockets: conversations, runs, guards, and its own state."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.build import build
from agents.models.discover import Server
from corpus.errors import Conflict, OperatorError
from retrieval.protocols import Encoder
from tests.fakes import FakeLLMServer, HashEncoder, Reply
from tests.service_bench import ASK, ServiceBench, until


def kinds(events: list[dict[str, object]]) -> list[object]:
    return [event["kind"] for event in events]


def said(events: list[dict[str, object]]) -> str:
    return "".join(str(e["text"]) for e in events if e["kind"] == "token")


def test_a_question_is_answered_with_citations_that_open_the_stored_text(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("They are kept ", "for thirty days [1].")
    events, message = bench.answer()
    assert kinds(events)[0] == "retrieved"
    assert kinds(events)[-1] == "answered"
    assert [e["n"] for e in events] == list(range(1, len(events) + 1))
    (citation,) = message["citations"]
    text = bench.get(
        f"/v1/documents/{citation['document']}/text",
        params={"start": citation["start"], "end": citation["end"]},
    )["text"]
    assert text == citation["quote"]
    assert message["content"] == "They are kept for thirty days [1]."
    assert (message["engine"], message["model"]) == ("openai", "fake-model")


def test_without_a_model_the_documents_are_quoted(plain_bench: ServiceBench) -> None:
    _, message = plain_bench.answer()
    assert message["engine"] == "extractive"
    assert message["citations"]


def test_the_agent_calls_a_tool_and_answers(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.call("search_corpus", {"query": "backups kept"})
    llm.say("For thirty days [1].")
    events, message = bench.answer(mode="agent")
    assert kinds(events) == ["tool_call", "tool_result", "retrieved", "token", "answered"]
    assert [s["kind"] for s in message["steps"]] == [
        "tool_call",
        "tool_result",
        "retrieved",
        "answered",
    ]
    assert message["citations"][0]["source"].endswith("backups.md")


def test_the_agent_without_a_model_says_what_to_do(plain_bench: ServiceBench) -> None:
    _, message = plain_bench.answer(mode="agent")
    assert "llm.url" in message["error"]
    assert "/search" in message["error"]


@pytest.mark.parametrize("mode", ["answer", "agent"])
def test_slash_commands_need_no_model(plain_bench: ServiceBench, mode: str) -> None:
    events, message = plain_bench.answer("/search backups", mode=mode)
    assert "tool_call" in kinds(events)
    assert message["engine"] == "command"
    assert message["citations"]
    _, message = plain_bench.answer("/fly", mode=mode)
    assert "/search words" in message["error"]


def test_a_follow_up_question_reaches_the_model_with_its_conversation(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    thread = bench.thread()
    llm.say("Thirty days [1].")
    bench.answer(thread=thread)
    llm.call("search_corpus", {"query": "soup"})
    llm.say("On Fridays [1].")
    bench.answer("And the soup?", thread=thread, mode="agent")
    said_before = [m["content"] for m in llm.chats[-1]["messages"]]
    assert ASK in said_before
    assert "Thirty days." in said_before


@pytest.fixture
def hasty_bench(
    indexed_home: Path, tmp_path: Path, llm: FakeLLMServer, end: str
) -> Iterator[ServiceBench]:
    """A service with the short deadline that matters to how the model's reply ends."""
    hasty = {"slow": {"first_token_s": 1.5}, "hang": {"gap_s": 0.7}}.get(end, {})
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, llm, llm=hasty)
    made.start()
    yield made
    made.close()


def faulty(bench: ServiceBench, end: str, mode: str) -> tuple[list[dict[str, object]], str]:
    """A run whose model breaks after the passages were found; its events and the error."""
    llm = bench.llm
    assert llm is not None
    if mode == "agent":
        llm.call("search_corpus", {"query": "backups kept"})
    if end == "slow":
        llm.say("late", first_delay=60)
        llm.say("late", first_delay=60)
    else:
        llm.say("They are ", "kept", end=end)
    events, message = bench.answer(mode=mode)
    return events, str(message["error"])


@pytest.mark.parametrize("mode", ["answer", "agent"])
@pytest.mark.parametrize("end", ["slow", "cut", "undone", "reset", "bad_json", "hang"])
def test_a_failing_model_ends_in_a_clear_message_with_the_passages_shown(
    hasty_bench: ServiceBench, end: str, mode: str
) -> None:
    bench = hasty_bench
    began = time.monotonic()
    events, error = faulty(bench, end, mode)
    assert time.monotonic() - began < 30
    assert kinds(events)[-1] == "failed"
    assert bench.llm is not None
    assert bench.llm.url in error
    shown = [e for e in events if e["kind"] == "retrieved"]
    assert shown
    assert shown[0]["passages"]


@pytest.mark.parametrize("mode", ["answer", "agent"])
def test_a_model_that_is_down_is_named(bench: ServiceBench, llm: FakeLLMServer, mode: str) -> None:
    llm.__exit__()
    events, message = bench.answer(mode=mode)
    assert events[-1]["error"] == "ModelUnavailable"
    assert llm.url in message["error"]
    if mode == "answer":
        assert kinds(events)[0] == "retrieved"


def test_an_interrupted_answer_keeps_its_text(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("They are ", "kept", end="cut")
    events, message = bench.answer()
    assert said(events) == "They are kept"
    assert (message["content"], message["interrupted"]) == ("They are kept", True)


def test_detaching_and_attaching_again_loses_no_token(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    words = [f"{number} " for number in range(60)]
    llm.say(*words, gap=0.02)
    run = bench.ask()["run"]
    seen: list[dict[str, object]] = []
    while not seen or seen[-1]["kind"] != "answered":
        after = int(str(seen[-1]["n"])) if seen else 0
        for taken, event in enumerate(bench.events(run, after)):
            seen.append(event)
            if taken == 7:
                break  # closes the connection
    assert [e["n"] for e in seen] == list(range(1, len(seen) + 1))
    assert said(seen).split() == [str(number) for number in range(60)]
    assert list(bench.events(run)) == seen


class Parrot(FakeLLMServer):
    """A model that searches for its question's marker, and then says that marker many times."""

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        messages = asked["messages"]
        question = next(m["content"] for m in reversed(messages) if m["role"] == "user")
        marker = re.findall(r"marker-\d+", question)[-1]
        if messages[-1]["role"] != "tool":
            return Reply(tools=(("search_corpus", {"query": f"backups {marker}"}),))
        return Reply(pieces=tuple(f"{marker} " for _ in range(40)), gap=0.005)


def test_eight_people_at_once_read_only_their_own(indexed_home: Path, tmp_path: Path) -> None:
    with Parrot() as parrot:
        bench = ServiceBench(Path(shutil.copytree(indexed_home, tmp_path / "home")), parrot)
        bench.start()
        seen: dict[int, tuple[list[Any], Any]] = {}

        def person(number: int) -> None:
            thread = bench.thread()
            for _ in range(2):
                question = f"What of marker-{number}?"
                seen[number] = bench.answer(question, mode="agent", thread=thread)

        people = [threading.Thread(target=person, args=(number,)) for number in range(8)]
        for one in people:
            one.start()
        for one in people:
            one.join(60)
        for number, (events, message) in seen.items():
            mine = f"marker-{number}"
            assert said(events) == f"{mine} " * 40
            assert [event["n"] for event in events] == list(range(1, len(events) + 1))
            assert set(re.findall(r"marker-\d+", str(events) + str(message))) == {mine}
        bench.close()
    assert len(seen) == 8


def test_a_call_that_writes_waits_for_its_person_over_http(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.call("write_note", {"title": "Backups", "text": "thirty days"})
    llm.say("It is noted.")
    ids = bench.ask(mode="agent")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "waiting")
    assert bench.get(f"/v1/threads/{ids['thread']}")["active_run"] == ids["run"]
    (asked,) = bench.get("/v1/approvals", params={"state": "asked"})["approvals"]
    assert asked["arguments"] == {"title": "Backups", "text": "thirty days"}
    assert bench.app.chats.notes.notes("") == []
    path = f"/v1/approvals/{asked['id']}"
    bench.post(path, {"verdict": "maybe"}, 400)
    bench.post(path, {"verdict": "approve", "arguments": {"title": "Other", "text": "x"}}, 409)
    endless = '{"verdict": "approve", "arguments": {"title": 1e999}}'
    json_body = {"Content-Type": "application/json"}
    bench.call("POST", path, 400, content=endless, headers=json_body)
    assert bench.post(path, {"verdict": "approve"})["state"] != "asked"
    bench.post(path, {"verdict": "approve"}, 409)
    bench.post("/v1/approvals/none", {"verdict": "approve"}, 404)
    list(bench.events(ids["run"]))
    assert bench.message(ids)["content"] == "It is noted."
    (note,) = bench.app.chats.notes.notes("")
    assert note.text == "thirty days"
    assert bench.get(path)["state"] == "executed"
    told = [entry["action"] for entry in bench.get("/v1/audit")["entries"]]
    assert told[:3] == ["tool.executed", "tool.executing", "tool.approved"]


def test_a_thread_that_waits_can_be_deleted(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.call("write_note", {"title": "Backups", "text": "thirty days"})
    ids = bench.ask(mode="agent")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "waiting")
    (asked,) = bench.get("/v1/approvals", params={"state": "asked"})["approvals"]
    bench.call("DELETE", f"/v1/threads/{ids['thread']}", 204)
    bench.post(f"/v1/approvals/{asked['id']}", {"verdict": "approve"}, 404)
    assert bench.get("/v1/approvals")["approvals"] == []


def test_an_answer_is_written_while_nobody_watches(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty ", "days.", gap=0.2)
    ids = bench.ask()
    stream = bench.events(ids["run"])
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "done")
    assert bench.message(ids)["content"] == "Thirty days."


def test_a_number_beyond_all_events_is_answered_or_refused(plain_bench: ServiceBench) -> None:
    run = plain_bench.ask()["run"]
    list(plain_bench.events(run))
    assert list(plain_bench.events(run, 1000)) == []
    for after in (-1, 2**63):
        plain_bench.get(f"/v1/runs/{run}/events", 400, params={"after": after})


@pytest.mark.parametrize("mode", ["answer", "agent"])
def test_cancelling_stops_the_model(bench: ServiceBench, llm: FakeLLMServer, mode: str) -> None:
    llm.say("word ", gap=0.05, end="endless")
    ids = bench.ask(mode=mode)
    stream = bench.events(ids["run"])
    while next(stream)["kind"] != "token":
        pass
    bench.post(f"/v1/runs/{ids['run']}/cancel")
    assert list(stream)[-1]["kind"] == "cancelled"
    until(lambda: llm.gone == 1)
    message = bench.message(ids)
    assert message["content"].startswith("word")
    assert message["interrupted"]
    assert bench.get(f"/v1/threads/{ids['thread']}")["active_run"] is None


def test_cancelling_also_stops_the_rewriting_of_a_follow_up(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    thread = bench.thread()
    llm.say("Thirty days [1].")
    bench.answer(thread=thread)
    llm.say("How long", first_delay=60)
    ids = bench.ask("And how long?", thread=thread)
    until(lambda: len(llm.chats) == 2)
    began = time.monotonic()
    bench.post(f"/v1/runs/{ids['run']}/cancel")
    assert list(bench.events(ids["run"]))[-1]["kind"] == "cancelled"
    assert time.monotonic() - began < 30


def test_a_model_that_nobody_named_is_asked_for_its_name(
    indexed_home: Path, tmp_path: Path, llm: FakeLLMServer
) -> None:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    bench = ServiceBench(home, llm, llm={"model": ""})
    bench.start()
    try:
        llm.call("search_corpus", {"query": "backups kept"})
        llm.say("For thirty days [1].")
        assert bench.answer(mode="agent")[1]["model"] == "fake-model"
    finally:
        bench.close()


def test_a_reload_finds_the_running_answer(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty ", "days.", gap=0.3)
    ids = bench.ask()
    thread = bench.get(f"/v1/threads/{ids['thread']}")
    assert thread["active_run"] == ids["run"]
    assert thread["title"] == ASK
    assert list(bench.events(ids["run"]))[-1]["kind"] == "answered"
    assert bench.get("/v1/threads")["threads"][0]["id"] == ids["thread"]


def test_a_second_question_waits_for_the_first(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty ", end="hang")
    ids = bench.ask()
    body = {"thread": ids["thread"], "question": "And?"}
    assert "still being answered" in bench.post("/v1/runs", body, 409)["error"]["message"]


def test_stopping_the_service_keeps_what_was_written(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("Thirty ", end="hang")
    ids = bench.ask()
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["events"] >= 2)
    bench.stop()
    bench.start()
    assert bench.get(f"/v1/runs/{ids['run']}")["state"] == "interrupted"
    message = bench.message(ids)
    assert (message["content"], message["interrupted"]) == ("Thirty", True)
    last = list(bench.events(ids["run"]))[-1]
    assert (last["kind"], last["error"]) == ("failed", "Interrupted")


def test_a_home_has_one_service(bench: ServiceBench) -> None:
    second = build(bench.settings)
    with pytest.raises(Conflict, match="already has a service"):
        second.start()
    second.close()


def test_until_the_encoder_is_there_it_is_alive_but_not_ready(bench: ServiceBench) -> None:
    bench.stop()
    release = threading.Event()

    def slow(*_: object) -> tuple[Encoder, str]:
        release.wait(10)
        return HashEncoder(), "slow"

    bench.load_encoder = slow
    bench.start(wait=False)
    assert bench.get("/healthz") == {"status": "ok"}
    assert bench.get("/readyz", 503)["reason"] == "the encoder is being loaded"
    assert bench.get("/v1/threads")["threads"] == []
    release.set()
    until(lambda: bench.http.get("/readyz").status_code == 200)


def test_an_encoder_that_cannot_be_loaded_is_the_reason_given(bench: ServiceBench) -> None:
    bench.stop()

    def missing(*_: object) -> tuple[Encoder, str]:
        raise OperatorError("the weights of 'x' are gone; install them anew")

    bench.load_encoder = missing
    bench.start(wait=False)
    until(lambda: "weights" in bench.get("/readyz", 503)["reason"])
    assert bench.post("/v1/search", {"query": "x"}, 503)["error"]["type"] == "OperatorError"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"question": ""}, "empty"),
        ({"question": "  "}, "empty"),
        ({"question": "x" * 100_000}, "100000 characters"),
        ({"question": "x", "mode": "psychic"}, "'psychic'"),
        ({"question": "x", "surprise": 1}, "surprise"),
        ({}, "question"),
    ],
)
def test_a_bad_question_is_refused_in_one_sentence(
    bench: ServiceBench, body: dict[str, object], part: str
) -> None:
    error = bench.post("/v1/runs", {"thread": bench.thread(), **body}, 400)["error"]
    assert part in error["message"]
    assert len(error["message"]) < 300


def test_an_unknown_collection_is_named(bench: ServiceBench) -> None:
    events, message = bench.answer(collection="nix")
    assert events[-1]["error"] == "NotFound"
    assert "'nix'" in message["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/threads/nix"),
        ("DELETE", "/v1/threads/nix"),
        ("GET", "/v1/runs/nix"),
        ("GET", "/v1/runs/nix/events"),
        ("POST", "/v1/runs/nix/cancel"),
        ("GET", "/v1/documents/nix"),
        ("GET", "/nowhere"),
    ],
)
def test_what_does_not_exist_is_404_in_our_shape(
    bench: ServiceBench, method: str, path: str
) -> None:
    error = bench.call(method, path, 404)["error"]
    assert error["type"] == "NotFound"


def test_deleting_a_thread_stops_what_runs_in_it(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("word ", end="hang")
    ids = bench.ask()
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["events"] >= 2)
    bench.call("DELETE", f"/v1/threads/{ids['thread']}", 204)
    until(lambda: llm.gone == 1)
    bench.get(f"/v1/threads/{ids['thread']}", 404)


def test_a_bug_is_one_sentence_without_details(bench: ServiceBench) -> None:
    def broken(_: object) -> list[object]:
        raise RuntimeError("inner detail")

    bench.app.catalog.collections = broken  # type: ignore[method-assign,assignment]
    response = bench.http.get("/v1/collections")
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "InternalError"
    assert "inner detail" not in response.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1"])
def test_other_names_for_this_machine_are_refused(bench: ServiceBench, host: str) -> None:
    response = bench.http.get("/v1/threads", headers={"Host": host})
    assert response.status_code in (400, 403)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"]
)
def test_pages_of_other_sites_cannot_act(bench: ServiceBench, origin: str) -> None:
    bench.post("/v1/threads", {}, 403, headers={"Origin": origin})
    response = bench.http.post(
        "/v1/documents", files={"files": ("a.txt", b"x")}, headers={"Origin": origin}
    )
    assert response.status_code == 403
    assert "access-control-allow-origin" not in bench.http.get("/healthz").headers


def test_pages_of_this_machine_can_act(bench: ServiceBench) -> None:
    for origin in (bench.url, "http://localhost:8501"):
        bench.post("/v1/threads", {}, 201, headers={"Origin": origin})


def test_further_names_can_be_allowed(
    indexed_home: Path, tmp_path: Path, llm: FakeLLMServer
) -> None:
    bench = ServiceBench(tmp_path / "home", llm, service={"allowed_hosts": ["service"]})
    bench.start()
    try:
        assert bench.http.get("/healthz", headers={"Host": "service:8700"}).status_code == 200
        assert bench.http.get("/healthz", headers={"Host": "other:8700"}).status_code == 403
    finally:
        bench.close()


def test_a_huge_body_is_refused(bench: ServiceBench) -> None:
    body = b'{"title": "' + b"x" * 2_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    with bench.http.stream("POST", "/v1/threads", content=body, headers=headers) as response:
        assert response.status_code == 413


def test_metrics_count_requests_by_route_and_show_the_state(bench: ServiceBench) -> None:
    bench.get(f"/v1/threads/{bench.thread()}")
    text = bench.http.get("/metrics").text
    line = (
        r'alcove_http_requests_total\{method="GET",route="/v1/threads/\{id\}",status="200"\} 1\.0'
    )
    assert re.search(line, text)
    assert 'alcove_documents{state="indexed"} 3.0' in text
    assert "alcove_runs_active 0.0" in text
    assert "alcove_ready 1.0" in text


def test_a_model_that_comes_and_goes_by_itself_is_noticed(
    indexed_home: Path, tmp_path: Path, llm: FakeLLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Server] = []
    monkeypatch.setattr(
        "agents.answering.engines.find_server", lambda **_: found[0] if found else None
    )
    monkeypatch.setattr("agents.build._LOOK_AGAIN_S", 0.0)
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    bench = ServiceBench(home, None, llm={"engine": "auto", "discover": True})
    bench.start()
    try:
        assert bench.get("/v1/status")["engine"]["name"] == "extractive"
        found.append(Server(llm.url, llm.model, "vLLM"))
        engine = bench.get("/v1/status")["engine"]
        assert (engine["name"], engine["url"], engine["label"]) == ("openai", llm.url, "vLLM")
        llm.say("Thirty days [1].")
        assert bench.answer()[1]["engine"] == "openai"
        found.clear()
        assert bench.get("/v1/status")["engine"]["name"] == "extractive"
    finally:
        bench.close()


def test_a_model_that_was_named_is_never_exchanged(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.__exit__()
    for _ in range(2):
        engine = bench.get("/v1/status")["engine"]
        assert (engine["name"], engine["url"]) == ("openai", llm.url)


def test_removing_a_document_takes_it_out_of_search(bench: ServiceBench) -> None:
    found = bench.post("/v1/search", {"query": "soup", "collection": "work"})["hits"][0]
    bench.call("DELETE", f"/v1/documents/{found['document']}", 200)
    hits = bench.post("/v1/search", {"query": "soup", "collection": "work"})["hits"]
    assert found["document"] not in {hit["document"] for hit in hits}
    assert bench.get(f"/v1/documents/{found['document']}")["gone"] is True


def test_feedback_is_kept(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("Thirty days [1].")
    ids = bench.ask()
    list(bench.events(ids["run"]))
    bench.post("/v1/feedback", {"message": ids["message"], "rating": -1, "comment": "no"}, 201)
    assert bench.app.chats.feedback()[0]["rating"] == -1
    bench.post("/v1/feedback", {"message": ids["message"], "rating": 5}, 400)
    bench.post("/v1/feedback", {"message": "nix", "rating": 1}, 404)


def test_many_watchers_do_not_keep_others_waiting(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("word ", end="hang")
    run = bench.ask()["run"]
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=bench.url, timeout=30, limits=limits, trust_env=False) as client:
        streams = [client.stream("GET", f"/v1/runs/{run}/events") for _ in range(60)]
        for stream in streams:
            stream.__enter__()
        assert client.get("/v1/threads").status_code == 200
        bench.post(f"/v1/runs/{run}/cancel")
        for stream in streams:
            stream.__exit__(None, None, None)
