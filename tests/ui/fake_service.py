"""A service that speaks Alcove's HTTP API from memory, for the page's tests and for working on its looks.

Nothing is stored on disk; ``FakeService.stop`` and ``start`` play an outage and keep the data. By
hand: ``python -m tests.ui.fake_service PORT``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from corpus.errors import AlcoveError
from tests.ui.fake_documents import add_document_routes, collections
from tests.ui.fake_evaluations import add_evaluation_routes
from tests.ui.fake_store import Run, Store, decide, get, now, rate, start_run

Json = dict[str, Any]


async def _events(run: Run, after: int) -> AsyncIterator[str]:
    while True:
        for event in run.events[after:]:
            data = json.dumps(event, ensure_ascii=False)
            yield f"id: {event['n']}\nevent: {event['kind']}\ndata: {data}\n\n"
            after = event["n"]
            if event["kind"] in ("answered", "failed", "cancelled"):
                return
        await asyncio.sleep(0.02)


def create_fake(store: Store) -> FastAPI:
    """The FastAPI app over ``store``."""
    app = FastAPI()

    @app.exception_handler(AlcoveError)
    async def _error(_: Request, exc: AlcoveError) -> JSONResponse:
        body = {"error": {"type": type(exc).__name__, "message": str(exc)}}
        return JSONResponse(body, exc.http_status)

    @app.middleware("http")
    async def _sign_in(request: Request, call_next: Any) -> Any:
        given = request.headers.get("authorization", "")
        if store.key and request.url.path.startswith("/v1/") and given != f"Bearer {store.key}":
            body = {"error": {"type": "NotSignedIn", "message": "this service asks for an API key"}}
            return JSONResponse(body, 401)
        return await call_next(request)

    _status_routes(app, store)
    add_document_routes(app, store)
    _thread_routes(app, store)
    _run_routes(app, store)
    add_evaluation_routes(app, store)
    return app


def _status_routes(app: FastAPI, store: Store) -> None:
    @app.get("/healthz")
    async def health() -> Json:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> Json:
        return {"ready": True}

    @app.get("/v1/me")
    def me() -> Json:
        return {"name": store.person, "owner": not store.person, "signed_in": bool(store.key)}

    @app.get("/v1/status")
    async def status() -> Json:
        llm = store.engine == "openai"
        states: dict[str, int] = {}
        for paper in store.papers.values():
            states[paper.state] = states.get(paper.state, 0) + 1
        engine = {
            "name": store.engine,
            "model": "llama-3.3-70b-nvfp4" if llm else "",
            "url": "http://127.0.0.1:8000/v1" if llm else "",
            "label": "",
        }
        encoder = {
            "name": "all-MiniLM-L6-v2",
            "dimension": 384,
            "note": "E5 was not found on this machine; get it with 'alcove models pull e5-base-v2'.",
        }
        return {
            "version": "0.1.0",
            "home": "~/.local/share/alcove",
            "snapshot": 7,
            "engine": engine,
            "encoder": encoder,
            "states": states,
            "collections": collections(store),
        }


def _thread_routes(app: FastAPI, store: Store) -> None:
    @app.get("/v1/threads")
    async def threads() -> Json:
        newest = sorted(store.threads.values(), key=lambda t: t["updated"], reverse=True)
        return {"threads": [{**t, "messages": len(t["messages"])} for t in newest]}

    @app.post("/v1/threads", status_code=201)
    async def create(body: Json) -> Json:
        thread = {
            "id": store.fresh("t"),
            "title": body.get("title") or "New chat",
            "created": now(),
            "updated": now(),
            "messages": [],
        }
        store.threads[thread["id"]] = thread
        return {**thread, "messages": 0}

    @app.get("/v1/threads/{id}")
    async def thread(id: str) -> Json:
        found = get(store.threads, id, "thread")
        active = [
            r.id
            for r in store.runs.values()
            if r.thread == id and r.state in ("running", "waiting")
        ]
        return {**found, "active_run": active[0] if active else None}

    @app.patch("/v1/threads/{id}")
    async def rename(id: str, body: Json) -> Json:
        return get(store.threads, id, "thread") | {
            "title": store.threads[id].update(body) or body["title"]
        }

    @app.delete("/v1/threads/{id}", status_code=204)
    async def forget(id: str) -> None:
        get(store.threads, id, "thread")
        del store.threads[id]


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

    @app.post("/v1/feedback", status_code=201)
    async def verdict(body: Json) -> Json:
        rate(store, body)
        return {"message": body["message"], "rating": body["rating"]}

    @app.post("/v1/approvals/{id}")
    async def decision(id: str, body: Json) -> Json:
        return decide(store, id, body)

    @app.post("/v1/runs/{id}/cancel")
    async def cancel(id: str) -> Json:
        get(store.runs, id, "run").stop.set()
        return {"state": "cancelled"}


class FakeService:
    """The fake on a free loopback port (or ``port``), in a thread; a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.store = Store()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; returns when requests are answered."""
        config = uvicorn.Config(
            create_fake(self.store),
            "127.0.0.1",
            self.port,
            log_level="critical",
            access_log=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop listening; the data stays."""
        self._server.should_exit = True
        self._thread.join(10)

    def __enter__(self) -> FakeService:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _serve(port: int) -> Iterator[str]:
    with FakeService(port) as service:
        yield service.url
        threading.Event().wait()


if __name__ == "__main__":
    for url in _serve(int(sys.argv[1])):
        print(url, flush=True)
