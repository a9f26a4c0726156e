"""A service that speaks Alcove's HTTP API from memory, for the page's tests and for working on its looks.

Nothing is stored on disk; ``FakeService.stop`` and ``start`` play an outage and keep the data. By
hand: ``python -m tests.ui.fake_service PORT``.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from corpus.errors import AlcoveError
from tests.ports import free_port
from tests.ui.fake_documents import add_document_routes
from tests.ui.fake_evaluations import add_evaluation_routes
from tests.ui.fake_health import add_health_routes, admitted
from tests.ui.fake_inspecting import add_inspect_routes
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
        if request.url.path.startswith("/v1/") and not admitted(store, request):
            body = {"error": {"type": "NotSignedIn", "message": "this service asks for an API key"}}
            return JSONResponse(body, 401)
        return await call_next(request)

    @app.middleware("http")
    async def _hold(request: Request, call_next: Any) -> Any:
        path = request.url.path
        if path in store.held:
            store.held[path] += 1
        while path in store.held:
            await asyncio.sleep(0.01)
        return await call_next(request)

    add_health_routes(app, store)
    add_document_routes(app, store)
    add_thread_routes(app, store)
    add_evaluation_routes(app, store)
    add_inspect_routes(app, store)
    return app


class FakeService:
    """The fake on a free loopback port (or ``port``), in a thread; a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.store = Store()
        self.port = port or free_port()
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
