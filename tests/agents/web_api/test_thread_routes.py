"""Threads over HTTP: search, pages, pin, delete with undo, and two pages in one thread."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.fakes import FakeLLMServer
from tests.service_bench import ASK, ServiceBench, until


def titles(bench: ServiceBench, query: str = "") -> list[str]:
    return [thread["title"] for thread in bench.get(f"/v1/threads?{query}")["threads"]]


def named(bench: ServiceBench, title: str) -> str:
    return str(bench.post("/v1/threads", {"title": title}, 201)["id"])


def test_threads_are_searched_pinned_and_paged(bench: ServiceBench, llm: FakeLLMServer) -> None:
    llm.say("They are kept for thirty days [1].")
    ids = bench.ask()
    list(bench.events(ids["run"]))
    other = named(bench, "Lunch")
    (found,) = bench.get("/v1/threads?q=THIRTY days")["threads"]
    assert (found["id"], found["messages"], found["pinned"]) == (ids["thread"], 2, False)
    assert "kept for thirty days" in found["snippet"]
    assert bench.call("PATCH", f"/v1/threads/{ids['thread']}", 200, json={"pinned": True})["pinned"]
    page = bench.get("/v1/threads?limit=1")
    assert [t["id"] for t in page["threads"]] == [ids["thread"]]
    assert page["total"] == 2
    page = bench.get("/v1/threads", params={"limit": 1, "after": page["next"]})
    assert ([t["id"] for t in page["threads"]], page["next"]) == ([other], None)


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=x", None, "limit"),
        ("GET", "?after=x", None, "leave it out"),
        ("GET", f"?q={'x' * 501}", None, "q"),
        ("PATCH", "/{id}", {"title": ""}, "title"),
        ("PATCH", "/{id}", {"title": " "}, "title"),
        ("PATCH", "/{id}", {"pinned": "yes"}, "pinned"),
        ("PATCH", "/{id}", {"colour": "red"}, "colour"),
        ("DELETE", "/{id}?undo_s=-1", None, "undo_s"),
        ("DELETE", "/{id}?undo_s=3601", None, "undo_s"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_changes_nothing(
    bench: ServiceBench, method: str, path: str, body: object, words: str
) -> None:
    id = named(bench, "Mine")
    before = bench.get("/v1/threads")
    error = bench.call(method, "/v1/threads" + path.format(id=id), 400, json=body)["error"]
    assert words in error["message"]
    assert bench.get("/v1/threads") == before


def test_deleting_with_undo_hides_at_once_and_cancels_what_runs(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("Thirty ", end="hang")
    ids = bench.ask()
    at = f"/v1/threads/{ids['thread']}"
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["events"] >= 2, 30)
    bench.call("DELETE", f"{at}?undo_s=600", 204)
    until(lambda: bench.app.runs.active == 0, 30)
    for path in (at, f"{at}/export", f"/v1/runs/{ids['run']}", f"/v1/runs/{ids['run']}/events"):
        bench.get(path, 404)
    bench.post("/v1/feedback", {"message": ids["message"], "rating": 1}, 404)
    bench.post("/v1/runs", {"thread": ids["thread"], "question": "And?"}, 404)
    assert titles(bench) == titles(bench, "q=backups") == []
    restored = bench.post(f"{at}/restore")
    assert restored == bench.get("/v1/threads")["threads"][0]
    message = bench.message(ids)
    assert (message["content"], message["interrupted"]) == ("Thirty", True)
    llm.say("Thirty days [1].")
    bench.answer(thread=ids["thread"])  # it can be asked again


def test_a_service_removes_threads_whose_time_is_over_while_it_runs_and_when_it_starts(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("The quokka sleeps.")
    ids = bench.ask("Where is the quokka?")
    list(bench.events(ids["run"]))
    bench.call("DELETE", f"/v1/threads/{ids['thread']}?undo_s=1", 204)
    until(lambda: bench.app.chats.thread_ids() == [], 30)
    error = bench.post(f"/v1/threads/{ids['thread']}/restore", status=404)["error"]
    assert "there is no thread" in error["message"]

    llm.say("The quokka sleeps.")
    ids = bench.ask("Where is the quokka?")
    list(bench.events(ids["run"]))
    bench.call("DELETE", f"/v1/threads/{ids['thread']}?undo_s=600", 204)
    bench.stop()
    with closing(sqlite3.connect(bench.home / "chats.sqlite")) as db, db:
        db.execute("UPDATE threads SET hidden = '2000-01-01'")
    bench.start()
    assert bench.app.chats.thread_ids() == []
    files = bench.home.glob("chats.sqlite*")
    assert b"quokka" not in b"".join(path.read_bytes() for path in files)


def test_what_waits_for_a_person_is_no_longer_asked_once_its_thread_is_deleted(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.call("write_note", {"title": "a", "text": "b"})
    ids = bench.ask("Write it down.", mode="agent")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "waiting", 30)
    (approval,) = bench.get("/v1/approvals")["approvals"]
    bench.call("DELETE", f"/v1/threads/{ids['thread']}?undo_s=600", 204)
    assert bench.get("/v1/approvals")["approvals"] == []
    bench.post(f"/v1/approvals/{approval['id']}", {"verdict": "approve"}, 404)
    until(lambda: bench.app.runs.active == 0, 30)
    bench.post(f"/v1/threads/{ids['thread']}/restore")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "cancelled", 30)
    assert bench.get("/v1/notes")["notes"] == []


def test_a_second_question_while_one_is_answered_is_refused_and_nothing_is_lost(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("Thirty ", end="hang")
    ids = bench.ask()
    error = bench.post("/v1/runs", {"thread": ids["thread"], "question": "And?"}, 409)["error"]
    assert error["type"] == "Conflict"
    assert "is still being answered; wait for it or cancel it" in error["message"]
    thread = bench.get(f"/v1/threads/{ids['thread']}")
    assert (len(thread["messages"]), thread["active_run"]) == (2, ids["run"])
    bench.post(f"/v1/runs/{ids['run']}/cancel")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "cancelled", 30)
    llm.say("Days [1].")
    bench.answer(thread=ids["thread"])


def test_of_many_pages_that_ask_at_once_one_is_answered(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("Thirty ", end="hang")
    thread = bench.thread()

    def ask(number: int) -> int:
        # The documents answer it, so the run waits for the model for as long as the test goes on.
        body = {"thread": thread, "question": f"{ASK} ({number})"}
        return bench.http.post("/v1/runs", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, range(8)))
    assert sorted(replies) == [202] + [409] * 7
    assert len(bench.get(f"/v1/threads/{thread}")["messages"]) == 2


def test_a_page_that_is_behind_is_told_so_and_loses_nothing(bench: ServiceBench) -> None:
    id = named(bench, "First")
    at = f"/v1/threads/{id}"
    bench.call("PATCH", at, 200, json={"title": "Second"})
    bench.call("PATCH", at, 200, json={"pinned": True})  # by a page that still shows the old title
    assert bench.get(at)["title"] == "Second"
    bench.call("DELETE", f"{at}?undo_s=600", 204)
    for method, path, body in (
        ("PATCH", at, {"title": "Third"}),
        ("DELETE", f"{at}?undo_s=600", None),
        ("DELETE", at, None),
        ("POST", "/v1/runs", {"thread": id, "question": "And?"}),
    ):
        error = bench.call(method, path, 404, json=body)["error"]
        assert error["type"] == "NotFound"
        assert "was deleted; bring it back while it can be, or begin a new one" in error["message"]
    restored = bench.post(f"{at}/restore")
    assert (restored["title"], restored["pinned"]) == ("Second", True)
    assert bench.post(f"{at}/restore") == restored
