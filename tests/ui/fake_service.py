"""A service that speaks Alcove's HTTP API from memory, for the page's tests and for working on its looks.

Nothing is stored on disk; ``FakeService.stop`` and ``start`` play an outage and keep the data. By
hand: ``python -m tests.ui.fake_service PORT``.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from corpus.errors import AlcoveError
from tests.ui.fake_documents import add_document_routes, collections
from tests.ui.fake_evaluations import add_evaluation_routes
from tests.ui.fake_store import Store
from tests.ui.fake_threads import add_thread_routes

Json = dict[str, Any]


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
    add_thread_routes(app, store)
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
