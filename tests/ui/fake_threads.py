"""The fake service's conversations over HTTP: threads, runs with their events, and what is said of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from tests.ui.fake_store import Run, Store, active_run, decide, get, now, rate, start_run

__all__ = ["add_thread_routes"]

Json = dict[str, Any]


def add_thread_routes(app: FastAPI, store: Store) -> None:
    """Add the routes of conversations to a fake service."""
    _list_routes(app, store)
    _thread_routes(app, store)
    _run_routes(app, store)
    _feedback_routes(app, store)


def _list_routes(app: FastAPI, store: Store) -> None:
    @app.get("/v1/threads")
    async def threads(q: str = "", limit: int = 0, after: str = "") -> Json:
        newest = sorted(store.threads.values(), key=lambda t: t["updated"], reverse=True)
        newest.sort(key=lambda t: not t.get("pinned", False))
        found = [t for t in newest if all(w in _text(t) for w in q.lower().split())]
        ids = [t["id"] for t in found]
        start = ids.index(after) + 1 if after else 0
        end = start + limit if limit else len(found)
        rows = [
            {**t, "messages": len(t["messages"]), "snippet": _snippet(t, q)}
            for t in found[start:end]
        ]
        following = rows[-1]["id"] if rows and end < len(found) else None
        return {"threads": rows, "total": len(found), "next": following}

    @app.post("/v1/threads", status_code=201)
    async def create(body: Json) -> Json:
        thread = {
            "id": store.fresh("t"),
            "title": body.get("title") or "New chat",
            "created": now(),
            "updated": now(),
            "pinned": False,
            "messages": [],
        }
        store.threads[thread["id"]] = thread
        return {**thread, "messages": 0}

    @app.get("/v1/filters")
    async def filters(collection: str = "") -> Json:
        found = [p for p in store.papers.values() if collection in ("", p.collection)]
        kinds = Counter(p.media_type for p in found if p.media_type)
        values = [kind for kind, _ in kinds.most_common(50)]
        return {"filters": {"author": ["Ada", "Grace"], "media_type": values}}


def _text(thread: Json) -> str:
    parts = [thread["title"], *(m["content"] for m in thread["messages"])]
    return "\n".join(parts).lower()


def _snippet(thread: Json, q: str) -> str:
    if not q:
        return ""
    word = q.lower().split()[0]
    found = (m["content"] for m in thread["messages"] if word in m["content"].lower())
    return next(found, "")[:120]


def _thread_routes(app: FastAPI, store: Store) -> None:
    @app.get("/v1/threads/{id}")
    async def thread(id: str, limit: int = 0) -> Json:
        found = get(store.threads, id, "thread")
        last = found["messages"][-limit:] if limit else found["messages"]
        earlier = len(found["messages"]) - len(last)
        active = active_run(store, id)
        return {**found, "messages": last, "earlier": earlier, "active_run": active}

    @app.patch("/v1/threads/{id}")
    async def change(id: str, body: Json) -> Json:
        get(store.threads, id, "thread").update(body)
        return {**store.threads[id], "messages": len(store.threads[id]["messages"])}

    @app.delete("/v1/threads/{id}", status_code=204)
    async def forget(id: str, undo_s: int = 0) -> None:
        found = get(store.threads, id, "thread")
        del store.threads[id]
        if undo_s:
            store.deleted[id] = found

    @app.post("/v1/threads/{id}/restore")
    async def restore(id: str) -> Json:
        store.threads[id] = get(store.deleted, id, "deleted thread")
        del store.deleted[id]
        return {**store.threads[id], "messages": len(store.threads[id]["messages"])}

    @app.get("/v1/threads/{id}/export")
    async def export(id: str, request: Request) -> Response:
        found = get(store.threads, id, "thread")
        said = "\n\n".join([f"# {found['title']}", *(m["content"] for m in found["messages"])])
        media_type = {"markdown": "text/markdown", "html": "text/html"}[
            request.query_params["format"]
        ]
        return Response(said, media_type=media_type)


def _run_routes(app: FastAPI, store: Store) -> None:
    @app.post("/v1/runs", status_code=202)
    async def run(body: Json) -> Json:
        return start_run(store, body)

    @app.get("/v1/runs/{id}")
    async def run_state(id: str) -> Json:
        found = get(store.runs, id, "run")
        return {"id": id, "thread": found.thread, "state": found.state, "events": len(found.events)}

    @app.get("/v1/runs/{id}/events")
    async def events(id: str, after: int = 0) -> StreamingResponse:
        return StreamingResponse(
            _events(get(store.runs, id, "run"), after), media_type="text/event-stream"
        )

    @app.get("/v1/runs/{id}/suggestions")
    async def suggestions(id: str) -> Json:
        get(store.runs, id, "run")
        return {"suggestions": store.suggestions}

    @app.post("/v1/runs/{id}/cancel")
    async def cancel(id: str) -> Json:
        get(store.runs, id, "run").stop.set()
        return {"state": "cancelled"}


async def _events(run: Run, after: int) -> AsyncIterator[str]:
    while True:
        for event in run.events[after:]:
            data = json.dumps(event, ensure_ascii=False)
            yield f"id: {event['n']}\nevent: {event['kind']}\ndata: {data}\n\n"
            after = event["n"]
            if event["kind"] in ("answered", "failed", "cancelled"):
                return
        if run.state not in ("running", "waiting"):
            return
        yield ": still here\n\n"  # the service does that every few seconds
        await asyncio.sleep(0.02)


def _feedback_routes(app: FastAPI, store: Store) -> None:
    @app.post("/v1/feedback", status_code=201)
    async def verdict(body: Json) -> Json:
        rate(store, body)
        return {"message": body["message"], "rating": body["rating"]}

    @app.post("/v1/approvals/{id}")
    async def decision(id: str, body: Json) -> Json:
        return decide(store, id, body)
