"""What the fake service remembers, and how it answers.

It answers by quoting the lines that share most words with the question, so that what is uploaded
can be asked about. Knows nothing of HTTP.
"""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpus.errors import Conflict, NotFound
from tests.ui.fake_papers import Paper, papers

Json = dict[str, Any]
_STOP = {"a", "an", "and", "are", "at", "does", "do", "for", "from", "how", "in", "is", "it"}
_STOP |= {"many", "much", "of", "on", "or", "the", "to", "what", "which"}


def words(text: str) -> set[str]:
    """The words that carry meaning, in lower case."""
    return set(re.findall(r"[a-z0-9]+", text.lower())) - _STOP


@dataclass
class Run:
    """One run: its events so far, and whether it was told to stop."""

    id: str
    thread: str
    message: Json
    events: list[Json] = field(default_factory=list)
    state: str = "running"
    stop: threading.Event = field(default_factory=threading.Event)

    def emit(self, kind: str, **fields: Any) -> None:
        """Append one event."""
        self.events.append({"n": len(self.events) + 1, "kind": kind, **fields})


class Store:
    """What the fake remembers."""

    def __init__(self) -> None:
        self.papers: dict[str, Paper] = {p.id: p for p in papers()}
        self.threads: dict[str, Json] = {}
        self.deleted: dict[str, Json] = {}  # threads that can be restored
        self.asked: list[Json] = []  # the bodies of the runs
        self.suggestions: list[str] = []
        self.runs: dict[str, Run] = {}
        self.jobs: dict[str, Json] = {}
        self.approvals: dict[str, Json] = {}
        self.evaluations: dict[str, Json] = {}
        self.question_sets: dict[str, Json] = {
            name: {
                "name": name, "origin": name, "questions": count, "answerable": count,
                "error": None,
            }
            for name, count in (("sample", 63), ("feedback", 0))
        }  # fmt: skip
        self.loading = False  # of what a search needs
        self.inspected: list[Json] = []  # the bodies of searches looked into
        self.rows: list[Any] = []  # of an evaluation, where a test brings its own
        self.saved: list[Json] = []  # questions, with their set
        self.engine = "openai"
        self.pace = 0.02  # seconds between two words
        self.fail_with = ""  # when set, the next run fails with these words
        self.doubted: tuple[tuple[int, int], ...] = ()  # of what is answered, marked as such
        self.say = ""  # when set, the next run answers this instead
        self.held: dict[str, int] = {}  # by path: requests that wait until it is taken out again
        self.key, self.person = "", ""  # with a key, everything asks for it
        self.users: dict[str, Json] = {}  # once there are some, each is asked for their key
        self.trouble: dict[str, tuple[str, str, str]] = {}  # state, finding, advice by part
        self.findings: list[tuple[str, str, str, str]] = []  # the doctor's: name, and the same
        self.ids = itertools.count(1)
        self.deleted: dict[str, Paper] = {}  # those that can be restored
        self.ways: dict[str, str] = {}  # the strategy of a document, where another was chosen
        self.folders: dict[str, Json] = {}  # watched
        self.allowed: list[str] = []  # folders below which one may be watched
        self.largest_mib = 200  # of a file
        self.reading_s = 0.3  # for each uploaded file

    def fresh(self, kind: str) -> str:
        """A new id."""
        return f"{kind}{next(self.ids)}"

    def passages(self, question: str, count: int = 5) -> list[Json]:
        """The lines nearest to the question, as passages."""
        asked, found = words(question), []
        for paper in self.papers.values():
            for line in paper.lines():
                shared = len(asked & words(line.text)) / max(len(asked), 1)
                found.append((shared, paper, line))
        found.sort(key=lambda f: -f[0])
        return [p.passage(i, line, s) for i, (s, p, line) in enumerate(found[:count], 1)]


def now() -> str:
    """This moment as the service writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def start_run(store: Store, body: Json) -> Json:
    """Store the question and an empty answer, and write the answer in a thread."""
    thread = get(store.threads, body["thread"], "thread")
    if active_run(store, thread["id"]):
        raise Conflict(f"thread {thread['id']!r} is still answering; wait for it or cancel its run")
    store.asked.append(body)
    run_id = store.fresh("run")
    for role, content in (("user", body["question"]), ("assistant", "")):
        thread["messages"].append(
            {
                "id": store.fresh("m"),
                "role": role,
                "content": content,
                "created": now(),
                "engine": "",
                "citations": [],
                "claims": [],
                "model": "",
                "abstained": False,
                "interrupted": False,
                "steps": [],
                "error": None,
                "run": run_id if role == "assistant" else None,
                "feedback": None,
            }
        )
    if thread["title"] == "New chat":
        thread["title"] = body["question"][:60]
    thread["updated"] = now()
    run = Run(run_id, thread["id"], thread["messages"][-1])
    store.runs[run_id] = run
    threading.Thread(target=_answer, args=(store, run, body), daemon=True).start()
    return {"run": run_id, "thread": thread["id"], "message": run.message["id"]}


def active_run(store: Store, thread: str) -> str | None:
    """The run that is under way in a thread."""
    going_on = ("running", "waiting")
    active = [r.id for r in store.runs.values() if r.thread == thread and r.state in going_on]
    return active[0] if active else None


def _answer(store: Store, run: Run, body: Json) -> None:
    question, passages = body["question"], store.passages(body["question"])
    run.emit(
        "retrieved",
        passages=passages,
        snapshot=7,
        timings_ms={"embed": 4.0, "search": 3.0, "total": 7.0},
    )
    if body.get("mode") == "search":
        _finish(run, "answered", answer=_found())
        return
    if body.get("mode") == "agent" or question.startswith("/"):
        _use_tool(run, question, passages)
    if "write it down" in question and not _ask_person(store, run, question):
        _finish(run, "cancelled", partial="")
        return
    if store.fail_with:
        message, store.fail_with = store.fail_with, ""
        _finish(run, "failed", error="ModelUnavailable", message=message, partial="")
        return
    asked = words(question)
    abstained = not store.say and max(p["score"] for p in passages) < 0.5
    citations = [] if abstained else [_citation(p) for p in passages[:2]]
    text = store.say or _text(abstained, passages)
    said = ""
    for piece in re.findall(r"\S+\s*", text):
        if run.stop.wait(store.pace):
            _finish(run, "cancelled", partial=said)
            return
        said += piece
        run.emit("token", text=piece)
    store.say = ""
    answer = {
        "answer": text,
        "abstained": abstained,
        "engine": store.engine,
        "model": "" if store.engine == "extractive" else "llama-3.3-70b-nvfp4",
        "citations": citations,
        "claims": [{"start": s, "end": e, "verdict": "uncited"} for s, e in store.doubted],
        "timings_ms": {"search": 7.0, "first_token": 118.0, "total": 900.0},
        "interrupted": False,
        "nearest": passages[:3] if abstained and asked else [],
    }
    _finish(run, "answered", answer=answer)


def _found() -> Json:
    """What a search answers: nothing but its passages."""
    nothing: Json = {"citations": [], "claims": [], "nearest": []}
    said = {"answer": "", "abstained": False, "engine": "search", "model": "", "interrupted": False}
    return {**nothing, **said, "timings_ms": {"search": 7.0, "total": 9.0}}


def _text(abstained: bool, passages: list[Json]) -> str:
    if abstained:
        return "The documents do not answer this question."
    first, second = passages[0]["text"], passages[1]["text"]
    return f"{first} [1]\n\nRelated: **{second.split()[0]}** {' '.join(second.split()[1:])} [2]"


def _use_tool(run: Run, question: str, passages: list[Json]) -> None:
    run.emit("tool_call", id="c1", name="search_corpus", arguments={"query": question})
    listing = "\n".join(f"{p['number']}. {p['title']}: {p['text']}" for p in passages)
    run.emit("tool_result", id="c1", name="search_corpus", text=listing, ok=True)


def _ask_person(store: Store, run: Run, question: str) -> bool:
    """Wait for a decision about a call; false when the run was stopped meanwhile."""
    arguments = {"title": "Noted", "text": question, "tags": ["memory"]}
    approval = {"id": store.fresh("ap"), "verdict": "", "arguments": arguments, "reason": ""}
    store.approvals[approval["id"]] = approval
    run.emit("tool_call", id="c2", name="write_note", arguments=arguments)
    run.state = "waiting"
    run.emit(
        "approval_asked",
        id=approval["id"],
        call="c2",
        tool="write_note",
        arguments=arguments,
        labels=["writes"],
        expires="2099-01-01T00:00:00.000+00:00",
    )
    while not approval["verdict"]:
        if run.stop.wait(0.01):
            return False
    verdict = "rejected" if approval["verdict"] == "reject" else "approved"
    run.emit(
        "approval_decided", id=approval["id"], verdict=verdict, arguments=approval["arguments"]
    )
    run.state = "running"
    text = "The note was written." if verdict == "approved" else "The person declined this."
    run.emit("tool_result", id="c2", name="write_note", text=text, ok=verdict == "approved")
    return True


def decide(store: Store, id: str, body: Json) -> Json:
    """Keep a decision about a call that waits."""
    approval: Json = get(store.approvals, id, "approval")
    if approval["verdict"]:
        raise Conflict(f"approval {id!r} was approved already")
    approval["reason"] = body.get("reason", "")
    approval["arguments"] = body.get("arguments") or approval["arguments"]
    approval["verdict"] = body["verdict"]
    return approval


def rate(store: Store, body: Json) -> None:
    """Keep a verdict with its message, as the service shows it."""
    messages = {m["id"]: m for t in store.threads.values() for m in t["messages"]}
    sources = [
        {**s, "source": paper.source, "quote": paper.text[s["start"] : s["end"]]}
        for s in body["sources"]
        for paper in [get(store.papers, s["document"], "document")]
    ]
    keys = ("rating", "comment", "unanswerable")
    get(messages, body["message"], "message")["feedback"] = {
        **{key: body[key] for key in keys}, "sources": sources,
    }  # fmt: skip


def _citation(p: Json) -> Json:
    keys = ("document", "source", "page", "start", "end")
    return {"n": p["number"], **{k: p[k] for k in keys}, "quote": p["text"], "support": 0.9}


def _finish(run: Run, kind: str, **fields: Any) -> None:
    message, answer = run.message, fields.get("answer")
    message["steps"] = [e for e in run.events if e["kind"] != "token"] + [{"kind": kind, **fields}]
    if answer:
        message["content"] = answer["answer"]
        for key in ("citations", "claims", "abstained", "engine", "model"):
            message[key] = answer[key]
    else:
        message.update(content=fields["partial"], interrupted=True, error=fields.get("message"))
    run.state = {"answered": "done"}.get(kind, kind)
    run.emit(kind, **fields)


def get(table: dict[str, Any], key: str, noun: str) -> Any:
    if key not in table:
        raise NotFound(f"there is no {noun} {key!r}; list them to see which exist")
    return table[key]
