"""Prometheus metrics of one service, in a registry of its own so that two services can share a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.build import App

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Measured", "Metrics"]


class Metrics:
    """Counts requests, and reads the state of the service whenever it is scraped."""

    def __init__(self, app: App) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(app))
        self.requests = Counter(
            "alcove_http_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "alcove_http_request_seconds",
            "Seconds from a request to the end of its response.",
            ("route", "method"),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)


class _State(Collector):
    def __init__(self, app: App) -> None:
        self._app = app

    def collect(self) -> Iterator[GaugeMetricFamily]:
        app = self._app
        documents = GaugeMetricFamily(
            "alcove_documents", "Documents by the state they ended in.", labels=["state"]
        )
        for state, count in states(app).items():
            documents.add_metric([state], count)
        yield documents
        yield GaugeMetricFamily(
            "alcove_snapshot", "Number of the live snapshot.", app.catalog.snapshot
        )
        yield GaugeMetricFamily("alcove_runs_active", "Runs at work or waiting.", app.runs.active)
        yield GaugeMetricFamily(
            "alcove_ready", "1 when questions can be answered.", int(not app.readiness())
        )


class Measured:
    """ASGI middleware that measures every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it under its route's pattern, never under its ids."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), "500"

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route, method = _route(scope), scope["method"]
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - began)


def states(app: App) -> dict[str, int]:
    """How many documents ended in each state."""
    counts: dict[str, int] = {}
    for document in app.catalog.documents():
        counts[str(document.state)] = counts.get(str(document.state), 0) + 1
    return counts


def _route(scope: Any) -> str:
    return str(getattr(scope.get("route"), "path", "other"))
