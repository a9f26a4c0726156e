"""Three people with things of every kind, and what each route is asked for with somebody else's ids.

``TABLE`` has a case for each operation of the service: a new route without one fails the test that uses this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from corpus.ownership import claim
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from tests.fakes import HashEncoder
from tests.service_bench import ServiceBench, until

NAMES = ("ada", "bob", "cem")
KINDS = ("thread", "hidden", "message", "run", "document", "job", "memory", "note", "approval")

Ask = Callable[["Someone", str, str], httpx.Response]


@dataclass
class Someone:
    """A person who is signed in, the word that only their things hold, and the ids of those things."""

    name: str
    http: httpx.Client
    canary: str
    ids: dict[str, str] = field(default_factory=dict)


def ask(method: str, path: str, json: Any = None, **options: Any) -> Ask:
    """A request whose ``{id}`` and ``{extra}`` stand for the ids it is made with; in its body too."""

    def send(someone: Someone, id: str, extra: str) -> httpx.Response:
        def filled(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {key: filled(item) for key, item in value.items()}
            if isinstance(value, list):
                return [filled(item) for item in value]
            if isinstance(value, str):
                return value.replace("{id}", id).replace("{extra}", extra)
            return value

        arguments = {name: filled(value) for name, value in options.items()}
        return someone.http.request(method, filled(path), json=filled(json), **arguments)

    return send


@dataclass(frozen=True)
class Case:
    """What a route is asked: with an id of a ``kind``, or (``kind`` empty) for what the caller has."""

    kind: str
    send: Ask


UPLOAD = [("files", ("mine.txt", b"Something of mine."))]
CHAT = {"messages": [{"role": "user", "content": "What is the word of the day?"}]}
PLACE = {"document": "{id}", "start": 0, "end": 3}
WRONG = {"message": "of-nobody", "rating": -1, "comment": "no"}
MEASURE = {"question_set": "sample", "collection": "work"}
QUESTIONS = {"file": ("mine.jsonl", b"{}")}
QUESTION = {"text": "What?", "sources": [PLACE]}
COLLECTION = "collection"  # its id is a name, that of a private collection

TABLE: dict[str, list[Case]] = {
    "GET /healthz": [Case("", ask("GET", "/healthz"))],
    "GET /readyz": [Case("", ask("GET", "/readyz"))],
    "GET /metrics": [Case("", ask("GET", "/metrics"))],
    "GET /v1/status": [Case("", ask("GET", "/v1/status"))],
    "GET /v1/me": [Case("", ask("GET", "/v1/me"))],
    # How the machine is, and who may use it, is the owner's to know: whoever else asks is told that.
    "GET /v1/doctor": [Case("", ask("GET", "/v1/doctor"))],
    "POST /v1/doctor": [Case("", ask("POST", "/v1/doctor"))],
    "GET /v1/users": [Case("", ask("GET", "/v1/users"))],
    "POST /v1/users": [Case("", ask("POST", "/v1/users", {"name": "eve", "owner": True}))],
    "POST /v1/users/{name}/key": [
        *(Case("", ask("POST", f"/v1/users/{name}/key")) for name in NAMES),
        Case("thread", ask("POST", "/v1/users/{id}/key")),
    ],
    "DELETE /v1/users/{name}": [
        *(Case("", ask("DELETE", f"/v1/users/{name}")) for name in NAMES),
        Case("thread", ask("DELETE", "/v1/users/{id}")),
    ],
    "GET /v1/audit": [Case("", ask("GET", "/v1/audit"))],
    "GET /v1/models": [Case("", ask("GET", "/v1/models"))],
    "GET /v1/threads": [
        Case("", ask("GET", "/v1/threads")),
        Case("", ask("GET", "/v1/threads?q=word&limit=2")),
    ],
    "POST /v1/threads": [Case("", ask("POST", "/v1/threads", {"title": "Mine"}))],
    "GET /v1/threads/{id}": [
        Case("thread", ask("GET", "/v1/threads/{id}")),
        Case("message", ask("GET", "/v1/threads/{extra}?before={id}")),
    ],
    "GET /v1/threads/{id}/export": [
        Case("thread", ask("GET", "/v1/threads/{id}/export")),
        Case("thread", ask("GET", "/v1/threads/{id}/export?format=html")),
    ],
    "PATCH /v1/threads/{id}": [
        Case("thread", ask("PATCH", "/v1/threads/{id}", {"title": "x"})),
        Case("thread", ask("PATCH", "/v1/threads/{id}", {"pinned": True})),
    ],
    "DELETE /v1/threads/{id}": [
        Case("thread", ask("DELETE", "/v1/threads/{id}")),
        Case("thread", ask("DELETE", "/v1/threads/{id}?undo_s=60")),
    ],
    "POST /v1/threads/{id}/restore": [
        Case("thread", ask("POST", "/v1/threads/{id}/restore")),
        Case("hidden", ask("POST", "/v1/threads/{id}/restore")),
    ],
    "POST /v1/runs": [
        Case("thread", ask("POST", "/v1/runs", {"thread": "{id}", "question": "What?"})),
    ],
    "GET /v1/runs/{id}": [Case("run", ask("GET", "/v1/runs/{id}"))],
    "GET /v1/runs/{id}/suggestions": [Case("run", ask("GET", "/v1/runs/{id}/suggestions"))],
    "GET /v1/filters": [
        Case("", ask("GET", "/v1/filters")),
        Case(COLLECTION, ask("GET", "/v1/filters?collection={id}")),
    ],
    "GET /v1/runs/{id}/events": [Case("run", ask("GET", "/v1/runs/{id}/events"))],
    "POST /v1/runs/{id}/cancel": [Case("run", ask("POST", "/v1/runs/{id}/cancel"))],
    "POST /v1/feedback": [
        Case("message", ask("POST", "/v1/feedback", {"message": "{id}", "rating": 1})),
        Case("message", ask("POST", "/v1/feedback", {**WRONG, "message": "{id}"})),
        Case("document", ask("POST", "/v1/feedback", {**WRONG, "sources": [PLACE]})),
    ],
    "GET /v1/approvals": [Case("", ask("GET", "/v1/approvals"))],
    "GET /v1/approvals/{id}": [Case("approval", ask("GET", "/v1/approvals/{id}"))],
    "POST /v1/approvals/{id}": [
        Case("approval", ask("POST", "/v1/approvals/{id}", {"verdict": "reject"})),
    ],
    "POST /v1/chat/completions": [
        Case("", ask("POST", "/v1/chat/completions", CHAT)),
        Case(COLLECTION, ask("POST", "/v1/chat/completions", {**CHAT, "collection": "{id}"})),
    ],
    "POST /v1/search": [
        Case("", ask("POST", "/v1/search", {"query": "word of the day", "k": 50})),
        Case(COLLECTION, ask("POST", "/v1/search", {"query": "word", "collection": "{id}"})),
        Case("", ask("POST", "/v1/search", {"query": "word", "filters": {"colour": "red"}})),
    ],
    "POST /v1/inspect": [
        Case("", ask("POST", "/v1/inspect", {"query": "word of the day", "k": 50})),
        Case("", ask("POST", "/v1/inspect", {"query": "word", "pages": [1, 2]})),
        Case(COLLECTION, ask("POST", "/v1/inspect", {"query": "word", "collection": "{id}"})),
        Case("", ask("POST", "/v1/inspect", {"query": "word", "filters": {"colour": "red"}})),
    ],
    "POST /v1/embeddings": [Case("", ask("POST", "/v1/embeddings", {"input": "word"}))],
    "GET /v1/collections": [Case("", ask("GET", "/v1/collections"))],
    "GET /v1/documents": [
        Case("", ask("GET", "/v1/documents")),
        Case(COLLECTION, ask("GET", "/v1/documents?collection={id}")),
        Case("", ask("GET", "/v1/documents?limit=2&sort=state&q=txt")),
        Case("", ask("GET", "/v1/documents?duplicates=true&limit=50")),
    ],
    "GET /v1/strategies": [Case("", ask("GET", "/v1/strategies"))],
    "POST /v1/documents": [
        Case(COLLECTION, ask("POST", "/v1/documents", files=UPLOAD, data={"collection": "{id}"})),
    ],
    "GET /v1/documents/{id}": [Case("document", ask("GET", "/v1/documents/{id}"))],
    "DELETE /v1/documents/{id}": [
        Case("document", ask("DELETE", "/v1/documents/{id}")),
        Case("document", ask("DELETE", "/v1/documents/{id}?undo_s=60")),
    ],
    "GET /v1/documents/{id}/chunks": [
        Case("document", ask("GET", "/v1/documents/{id}/chunks")),
    ],
    "POST /v1/documents/{id}/restore": [
        Case("document", ask("POST", "/v1/documents/{id}/restore")),
    ],
    "POST /v1/documents/{id}/rechunk": [
        Case("document", ask("POST", "/v1/documents/{id}/rechunk", {"strategy": "fixed"})),
    ],
    # Watched folders are the owner's: whoever else asks is told that, whatever the id.
    "GET /v1/folders": [Case("", ask("GET", "/v1/folders"))],
    "POST /v1/folders": [
        Case(COLLECTION, ask("POST", "/v1/folders", {"path": "/etc", "collection": "{id}"})),
    ],
    "DELETE /v1/folders/{id}": [Case("document", ask("DELETE", "/v1/folders/{id}"))],
    "GET /v1/documents/{id}/text": [Case("document", ask("GET", "/v1/documents/{id}/text"))],
    "GET /v1/documents/{id}/pages/{page}.png": [
        Case("document", ask("GET", "/v1/documents/{id}/pages/1.png")),
    ],
    "GET /v1/documents/{id}/original": [
        Case("document", ask("GET", "/v1/documents/{id}/original")),
    ],
    "POST /v1/jobs": [
        Case(COLLECTION, ask("POST", "/v1/jobs", {"paths": ["/etc"], "collection": "{id}"})),
    ],
    "POST /v1/reindex": [Case("", ask("POST", "/v1/reindex", {}))],
    "GET /v1/jobs": [Case("", ask("GET", "/v1/jobs"))],
    "GET /v1/jobs/{id}": [Case("job", ask("GET", "/v1/jobs/{id}"))],
    "POST /v1/jobs/{id}/cancel": [Case("job", ask("POST", "/v1/jobs/{id}/cancel"))],
    "GET /v1/memories": [Case("", ask("GET", "/v1/memories"))],
    "POST /v1/memories": [Case("", ask("POST", "/v1/memories", {"text": "Likes tea."}))],
    "PATCH /v1/memories/{id}": [Case("memory", ask("PATCH", "/v1/memories/{id}", {"text": "x"}))],
    "DELETE /v1/memories/{id}": [Case("memory", ask("DELETE", "/v1/memories/{id}"))],
    "GET /v1/notes": [Case("", ask("GET", "/v1/notes"))],
    "GET /v1/notes/{id}": [Case("note", ask("GET", "/v1/notes/{id}"))],
    "POST /v1/notes": [Case("", ask("POST", "/v1/notes", {"title": "Mine", "text": "x"}))],
    "PATCH /v1/notes/{id}": [
        Case("note", ask("PATCH", "/v1/notes/{id}", {"text": "x"})),
        Case("note", ask("PATCH", "/v1/notes/{id}", {"title": "Mine"})),
    ],
    "DELETE /v1/notes/{id}": [Case("note", ask("DELETE", "/v1/notes/{id}"))],
    # Measuring is the owner's: whoever else asks is told that, whatever the id.
    "GET /v1/question-sets": [Case("", ask("GET", "/v1/question-sets"))],
    "POST /v1/question-sets": [Case("", ask("POST", "/v1/question-sets", files=QUESTIONS))],
    "POST /v1/question-sets/{name}/questions": [
        Case("", ask("POST", "/v1/question-sets/mine/questions", QUESTION)),
        Case("document", ask("POST", "/v1/question-sets/mine/questions", QUESTION)),
    ],
    "GET /v1/question-sets/{name}": [
        Case("", ask("GET", "/v1/question-sets/feedback")),
        Case("thread", ask("GET", "/v1/question-sets/{id}")),
    ],
    "DELETE /v1/question-sets/{name}": [Case("", ask("DELETE", "/v1/question-sets/mine"))],
    "GET /v1/evaluations": [Case("", ask("GET", "/v1/evaluations"))],
    "POST /v1/evaluations": [
        Case("", ask("POST", "/v1/evaluations", MEASURE)),
        Case(COLLECTION, ask("POST", "/v1/evaluations", {**MEASURE, "collection": "{id}"})),
    ],
    "GET /v1/evaluations/compare": [Case("", ask("GET", "/v1/evaluations/compare?a=x&b=y"))],
    "GET /v1/evaluations/{id}": [Case("run", ask("GET", "/v1/evaluations/{id}"))],
    "GET /v1/evaluations/{id}/queries": [Case("run", ask("GET", "/v1/evaluations/{id}/queries"))],
    "GET /v1/evaluations/{id}/report.html": [
        Case("run", ask("GET", "/v1/evaluations/{id}/report.html")),
    ],
    "POST /v1/evaluations/{id}/cancel": [Case("run", ask("POST", "/v1/evaluations/{id}/cancel"))],
    "POST /v1/evaluations/{id}/resume": [Case("run", ask("POST", "/v1/evaluations/{id}/resume"))],
    "DELETE /v1/evaluations/{id}": [Case("run", ask("DELETE", "/v1/evaluations/{id}"))],
}


def people(bench: ServiceBench) -> list[Someone]:
    """The three, each with one thing of every kind that holds their word."""
    everyone = [_someone(bench, name) for name in NAMES]
    for one in everyone:
        _fill(bench, one)
    return everyone


def _someone(bench: ServiceBench, name: str) -> Someone:
    key = bench.app.users.add(name)
    headers = {"Authorization": f"Bearer {key}"}
    http = httpx.Client(base_url=bench.url, headers=headers, timeout=30, trust_env=False)
    return Someone(name, http, f"{name}quartz{len(name) * 4711}")


def _fill(bench: ServiceBench, one: Someone) -> None:
    """Made through the service where it can be; documents are ingested in this process, which is quicker."""
    app, word, ids = bench.app, one.canary, one.ids
    person = next(a.person for a in app.users.accounts() if a.name == one.name)
    ids[COLLECTION] = f"{one.name}/papers-{word}"
    claim(app.catalog.database, person, ids[COLLECTION])
    file = bench.home.parent / f"{word}.txt"
    file.write_text(f"The word of the day is {word}, says {one.name}.\n")
    settings = IngestSettings(workers=1)
    pipeline = Pipeline(app.home, app.catalog, HashEncoder(), settings)
    pipeline.add([(file.name, file)], ids[COLLECTION])
    pipeline.close()
    (document,) = app.catalog.documents(ids[COLLECTION])
    ids["document"] = document.id
    ids["thread"] = _json(one.http.post("/v1/threads", json={"title": f"About {word}"}))["id"]
    body = {"thread": ids["thread"], "question": f"Is {word} the word?"}
    started = _json(one.http.post("/v1/runs", json=body))
    ids["run"], ids["message"] = started["run"], started["message"]
    until(lambda: _json(one.http.get(f"/v1/runs/{ids['run']}"))["state"] != "running", 30)
    ids["hidden"] = _json(one.http.post("/v1/threads", json={"title": f"Hidden {word}"}))["id"]
    assert one.http.delete(f"/v1/threads/{ids['hidden']}?undo_s=3600").is_success
    note = {"title": f"Note on {word}", "text": word}
    ids["note"] = _json(one.http.post("/v1/notes", json=note))["id"]
    memory = {"text": f"{word} matters."}
    ids["memory"] = _json(one.http.post("/v1/memories", json=memory))["id"]
    ids["job"] = app.jobs.submit(ids[COLLECTION], uploads=[], person=one.name).id
    ids["approval"] = _approval(bench, ids["run"], word)


def _approval(bench: ServiceBench, run: str, word: str) -> str:
    wanted = f'{{"title": "{word}", "text": "x"}}'
    with bench.app.chats._tables.transaction() as db:
        db.execute(
            "INSERT INTO approvals (id, run, call, tool, wanted, arguments, labels, asked, expires)"
            " VALUES (?, ?, 'call-1', 'write_note', ?, ?, '[]', '2026-01-01', '2099-01-01')",
            (f"approval-{word}", run, wanted, wanted),
        )
    return f"approval-{word}"


def _json(reply: httpx.Response) -> Any:
    assert reply.is_success, reply.text
    return reply.json()
