"""What helps to ask: suggestions, filters, narrowed runs, and turns that only search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from tests.fakes import FakeLLMServer, HashEncoder
from tests.service_bench import ServiceBench, until

MANUAL = """---
author: Ada
---
# Manual of the press

The press prints the backups of the paper.

## Cleaning the rollers

The rollers of the press are cleaned with soap every Friday.

## Changing the plates

The plates of the press are changed by two people.
"""
MINE = "---\nauthor: Bob\n---\n# Tapes\n\nThe tapes of the press are in the cellar.\n"


@contextmanager
def adding(bench: ServiceBench) -> Iterator[Pipeline]:
    app = bench.app
    pipeline = Pipeline(app.home, app.catalog, HashEncoder(), IngestSettings(workers=1))
    try:
        yield pipeline
    finally:
        pipeline.close()


def add(bench: ServiceBench, collection: str = "work", **texts: str) -> None:
    files = []
    for name, text in texts.items():
        path = bench.home.parent / f"{name}.md"
        path.write_text(text)
        files.append((path.name, path))
    with adding(bench) as pipeline:
        pipeline.add(files, collection)
    bench.app.finder().searcher.reader(patience_s=None)  # every search from now on finds them


def test_suggestions_come_from_headings_and_are_answered(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    add(bench, manual=MANUAL)
    llm.say("It prints the paper [1].")
    ids = bench.ask("What does the press print?")
    events = list(bench.events(ids["run"]))
    assert events[-1]["kind"] == "answered"
    found = bench.get(f"/v1/runs/{ids['run']}/suggestions")["suggestions"]
    assert "What does “Manual of the press” say about “Cleaning the rollers”?" in found
    assert 1 <= len(found) <= 3
    assert bench.get(f"/v1/runs/{ids['run']}/suggestions")["suggestions"] == found
    for question in found:
        llm.say(question)  # put into its context, it is the same
        llm.say("Soap [1].")
        _, message = bench.answer(question, thread=ids["thread"])
        assert (message["abstained"], message["error"]) == (False, None)
    again = bench.get(f"/v1/runs/{message['run']}/suggestions")["suggestions"]
    assert not set(again) & set(found)


def test_suggestions_are_looked_for_once_as_soon_as_an_answer_is_there(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    add(bench, manual=MANUAL)
    searches: list[str] = []
    bench.app.observers.append(lambda mode, timings_ms: searches.append(mode))
    llm.say("It prints the paper [1].")
    ids = bench.ask("What does the press print?")
    until(lambda: len(searches) > 1, 30)  # that of the answer, and one that nobody asked for
    found = bench.get(f"/v1/runs/{ids['run']}/suggestions")["suggestions"]
    looked = len(searches)
    assert looked == 1 + len(found)
    assert bench.get(f"/v1/runs/{ids['run']}/suggestions")["suggestions"] == found
    assert len(searches) == looked


def test_a_run_that_goes_on_or_found_nothing_suggests_nothing(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    llm.say("Thirty ", end="hang")
    ids = bench.ask()
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["events"] >= 2, 30)
    at = f"/v1/runs/{ids['run']}/suggestions"
    assert bench.get(at) == {"suggestions": []}
    bench.post(f"/v1/runs/{ids['run']}/cancel")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "cancelled", 30)
    assert bench.get(at)["suggestions"] == []
    bench.get("/v1/runs/nix/suggestions", 404)


def test_filters_are_listed_for_what_may_be_read_and_narrow_a_run(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    add(bench, manual=MANUAL, tapes=MINE)
    filters = bench.get("/v1/filters")["filters"]
    assert filters["author"] == ["Ada", "Bob"]
    assert "text/markdown" in filters["media_type"]
    assert "author" not in bench.get("/v1/filters?collection=vault")["filters"]
    bench.get("/v1/filters?collection=nix", 404)
    for mode in ("answer", "search"):
        llm.say("In the cellar [1].")
        asked = {"mode": mode, "filters": {"Author": "Bob"}}
        events, _ = bench.answer("Where are things of the press?", **asked)
        assert {p["title"] for p in events[0]["passages"]} == {"Tapes"}
    events, message = bench.answer(mode="search", filters={"colour": "red"})
    assert [event["kind"] for event in events] == ["failed"]
    assert "filter by one of" in message["error"]


def test_new_documents_and_new_readers_change_the_filters(bench: ServiceBench) -> None:
    add(bench, manual=MANUAL)
    assert bench.get("/v1/filters")["filters"]["author"] == ["Ada"]
    add(bench, tapes=MINE)
    assert bench.get("/v1/filters")["filters"]["author"] == ["Ada", "Bob"]
    key = bench.app.users.add("ada")
    bench.app.users.add("root", owner=True)
    theirs = {"Authorization": f"Bearer {key}"}
    assert "author" in bench.get("/v1/filters", headers=theirs)["filters"]
    bench.app.catalog.set_readers("work", ["bob"])
    assert "author" not in bench.get("/v1/filters", headers=theirs)["filters"]
    bench.get("/v1/filters?collection=work", 404, headers=theirs)


def test_wrong_limits_are_refused_before_anything_is_kept(bench: ServiceBench) -> None:
    thread = bench.thread()
    for limits, words in (
        ({"pages": [3, 2]}, "the pages are 3 to 2"),
        ({"pages": [0, 2]}, "the pages are 0 to 2"),
        ({"pages": [1]}, "pages"),
        ({"filters": {"author": 7}}, "filters"),
        ({"filters": {str(n): "x" for n in range(33)}}, "filters"),
        ({"mode": "psychic"}, "there are answer, agent, search"),
    ):
        error = bench.post("/v1/runs", {"thread": thread, "question": "x?", **limits}, 400)["error"]
        assert words in error["message"]
    assert bench.get(f"/v1/threads/{thread}")["messages"] == []


def test_a_search_is_a_turn_with_passages_and_no_words(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    ids = bench.ask("backups soup", mode="search")
    events = list(bench.events(ids["run"]))
    assert [event["kind"] for event in events] == ["retrieved", "answered"]
    answer = events[1]["answer"]
    assert (answer["answer"], answer["engine"], answer["citations"]) == ("", "search", [])
    assert answer["abstained"] is False
    assert llm.chats == []
    message = bench.message(ids)
    assert (message["engine"], message["content"], message["error"]) == ("search", "", None)
    assert message["steps"][0]["passages"] == events[0]["passages"] != []
    assert list(bench.events(ids["run"], after=1)) == events[1:]  # as after a reload
    llm.say("Thirty days [1].")
    _, later = bench.answer(thread=ids["thread"])  # and the conversation goes on
    assert later["citations"] != []


def test_pages_that_hold_nothing_find_nothing(bench: ServiceBench) -> None:
    events, _ = bench.answer("backups", mode="search", pages=[900, 999])
    assert events[0]["passages"] == []
    assert events[-1]["kind"] == "answered"


def test_an_agent_is_kept_within_the_limits_of_its_run(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    add(bench, manual=MANUAL, tapes=MINE)
    llm.call("search_corpus", {"query": "press", "filters": {"author": "Ada"}})
    llm.say("In the cellar [1].")
    events, _ = bench.answer("Where?", mode="agent", filters={"author": "Bob"})
    found = [event for event in events if event["kind"] == "retrieved"]
    assert {p["title"] for event in found for p in event["passages"]} == {"Tapes"}


def test_a_restarted_service_knows_the_limits_of_a_run_that_waits(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    add(bench, manual=MANUAL, tapes=MINE)
    llm.call("write_note", {"title": "a", "text": "b"})
    ids = bench.ask("Write, then look.", mode="agent", filters={"author": "Bob"}, pages=[1, 9])
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] == "waiting", 30)
    bench.stop()
    bench.start()
    llm.call("search_corpus", {"query": "press"})
    llm.say("In the cellar [1].")
    (approval,) = bench.get("/v1/approvals")["approvals"]
    bench.post(f"/v1/approvals/{approval['id']}", {"verdict": "approve"})
    events = list(bench.events(ids["run"]))
    found = [event for event in events if event["kind"] == "retrieved"]
    assert {p["title"] for event in found for p in event["passages"]} <= {"Tapes"}
    assert bench.app.chats.log.run(ids["run"])["limits"] == {
        "filters": {"author": "Bob"},
        "pages": [1, 9],
    }
