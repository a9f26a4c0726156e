"""The HTTP service: every folder's routes in one FastAPI app, and the process that serves it.

Run it with ``alcove serve`` or ``python -m agents``. Listens on this machine only unless told
otherwise. Every error leaves as ``{"error": {"type", "message"}}`` with the status of its class;
what went wrong inside is for the log, not for the caller.
"""

from __future__ import annotations

import errno
import math
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import ingest.routes
import retrieval.routes
import retrieval.routes_inspect
from agents.build import App, build
from agents.people.identity import Users
from agents.people.sign_in import SignIn, require_keys
from agents.settings import ServiceSettings, Settings
from agents.web_api import (
    routes_approvals,
    routes_chat,
    routes_evaluations,
    routes_export,
    routes_hints,
    routes_memories,
    routes_status,
    routes_threads,
    routes_users,
)
from agents.web_api.admission import Admission, Gate
from agents.web_api.guard import Guard
from agents.web_api.metrics import Measured, Metrics
from agents.web_api.overview import Health, version
from agents.web_api.refusals import error_reply, refusal, refusals
from corpus.errors import AlcoveError, InternalError, OperatorError, UserError
from corpus.home import Home
from retrieval.spaces import Load

__all__ = ["create_app", "serve"]

_BUG = "something went wrong inside Alcove; the service's log says more, please report it"
_ANY_HOST = {"0.0.0.0", "::", ""}  # addresses to listen on, but no names to be called by


def create_app(app: App, start: bool = True) -> FastAPI:
    """The service over ``app``.

    Args:
        app: the live objects; closed when the service stops.
        start: whether to start and close ``app`` with the service.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if start:
            await run_in_threadpool(app.start)
        try:
            yield
        finally:
            await run_in_threadpool(health.close)
            if start:
                await run_in_threadpool(app.close)

    gates = _gates(app.settings.service)
    metrics = Metrics(app, gates)
    health = Health.of(app)
    service = FastAPI(
        title="Alcove",
        version=version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=refusals(400, 401, 403, 404, 405, 409, 413, 422, 429, 503),
    )
    service.include_router(routes_status.router(health, metrics))
    service.include_router(routes_users.router(app))
    service.include_router(routes_threads.router(app))
    service.include_router(routes_approvals.router(app))
    service.include_router(routes_memories.router(app))
    service.include_router(routes_export.router(app))
    service.include_router(routes_hints.router(app))
    service.include_router(routes_evaluations.router(app))
    service.include_router(routes_chat.router(app), responses=refusals(502, 504))
    service.include_router(
        retrieval.routes.router(lambda: app.finder().searcher, lambda: app.finder().encoder)
    )
    service.include_router(retrieval.routes_inspect.router(lambda: app.finder().searcher))
    hands = ingest.routes.Hands(
        lambda id, person, undo_s: app.remove_documents([id], person, undo_s),
        app.restore_document,
        app.tokenizer,
    )
    shelf = (app.home, app.catalog, app.jobs, hands, app.settings.ingest, app.folders)
    service.include_router(ingest.routes.router(*shelf))
    _add_error_handlers(service)
    ours = app.settings.service
    names = [*ours.allowed_hosts, *({ours.host} - _ANY_HOST)]
    service.add_middleware(Admission, gates=gates, deadline_s=ours.deadline_s, unready=app.starting)
    longest = ours.max_json_kib * 1024
    service.add_middleware(
        Guard, allowed_hosts=names, max_bytes=longest, sign_in=SignIn(app.users, app.chats.audit)
    )
    service.add_middleware(Measured, metrics=metrics)
    return service


def _gates(settings: ServiceSettings) -> dict[str, Gate]:
    searches = settings.searches or max(2, len(os.sched_getaffinity(0)))
    search = Gate(searches, settings.searches_waiting)
    return {
        "/v1/search": search,
        "/v1/inspect": search,  # a search, and hardly more
        # Each may embed hundreds of texts, on all cores.
        "/v1/embeddings": Gate(max(1, searches // 2), settings.searches_waiting),
    }


def serve(
    settings: Settings,
    announce: Callable[[str], None] | None = None,
    load_encoder: Load | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop cleanly: answers under way are kept as interrupted.

    Args:
        settings: host and port among them; port 0 takes any free one.
        announce: told the address once it accepts connections.
        load_encoder: as for ``build``.

    Raises:
        UserError: the address is reached from beyond this machine, and there are no keys.
        OperatorError: the address cannot be listened on.
        Conflict: the home already has a service.
    """
    import uvicorn

    home = Home(settings.corpus.home)
    require_keys(settings.service.host, Users(home), settings.service.trusted_network)
    listener = _listener(settings.service.host, settings.service.port)
    with listener:
        app = build(settings, load_encoder)
        config = uvicorn.Config(
            create_app(app, start=False),
            log_level="warning",
            timeout_graceful_shutdown=math.ceil(settings.service.stop_s),
            server_header=False,
        )
        server = _server(config, app)
        try:
            app.start()
            if announce is not None:
                announce(_address(listener))
            with _signals_kept():
                server.run(sockets=[listener])
        finally:
            app.close()
    _abandon_workers()


def _abandon_workers() -> None:
    """End this process now if work goes on that could not be waited for: Python would, without a bound.

    Whoever asked has been told, and what is on disk survives more than this.
    """
    main = threading.main_thread()
    if threading.current_thread() is main:
        workers = [t for t in threading.enumerate() if not (t.daemon or t is main)]
        for worker in workers:
            worker.join(timeout=1 / len(workers))
        if any(worker.is_alive() for worker in workers):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


def _server(config: Any, app: App) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            # Watched answers would hold their connections open. Not in this thread: it may have
            # been interrupted while it held a lock that closing needs.
            threading.Thread(target=app.runs.close, name="stopper").start()
            super().handle_exit(sig, frame)

    return Server(config)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Uvicorn raises the signals it took once more at its end; here they have done their work."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handled = (signal.SIGINT, signal.SIGTERM)
    before = {sig: signal.signal(sig, lambda *_: None) for sig in handled}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"port {port} of {host!r} is in use; stop what uses it or choose another --port"
            ) from exc
        raise OperatorError(
            f"cannot listen on port {port} of {host!r} ({exc.strerror}); choose another --host"
            " or --port"
        ) from exc
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _add_error_handlers(service: FastAPI) -> None:
    @service.exception_handler(AlcoveError)
    async def ours(_: Request, exc: AlcoveError) -> JSONResponse:
        if isinstance(exc, InternalError):
            raise exc
        return refusal(exc)

    @service.exception_handler(RequestValidationError)
    async def invalid(_: Request, exc: RequestValidationError) -> JSONResponse:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])!r}: {fault['msg']}"
            for fault in exc.errors()[:3]
        )
        return error_reply(400, UserError.__name__, f"the request is wrong at {faults}")

    @service.exception_handler(HTTPException)
    async def http(request: Request, exc: HTTPException) -> JSONResponse:
        kind = "NotFound" if exc.status_code == 404 else "UserError"
        asked = f"{request.method} {request.url.path}"
        return error_reply(exc.status_code, kind, f"{asked!r} is not possible: {exc.detail}")

    @service.exception_handler(Exception)
    async def bug(_: Request, exc: Exception) -> JSONResponse:
        return error_reply(500, InternalError.__name__, _BUG)
