"""Prometheus metrics of one service, in a registry of its own so that two services can share a process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from agents.build import App
from corpus.catalog import LIVE
from corpus.filters import READABLE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agents.web_api.admission import Gate

__all__ = ["Measured", "Metrics"]

_STAGE_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2, 4)
_BATCH = (1, 2, 4, 8)


class Metrics:
    """Counts requests and searches, and reads the state of the service whenever it is scraped.

    Args:
        app: what is measured.
        gates: the queues in front of it, by path.
    """

    def __init__(self, app: App, gates: Mapping[str, Gate]) -> None:
        self.gates = gates
        self._registry = CollectorRegistry()
        self._registry.register(_State(app))
        self._registry.register(_Queues(gates))
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
        self._searches = Counter(
            "alcove_searches", "Searches by mode.", ("mode",), registry=self._registry
        )
        self._stages = Histogram(
            "alcove_search_stage_seconds",
            "Seconds that each stage of a search took.",
            ("stage",),
            buckets=_STAGE_S,
            registry=self._registry,
        )
        app.observers.append(self._searched)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)

    def _searched(self, mode: str, timings_ms: Mapping[str, float]) -> None:
        self._searches.labels(mode).inc()
        for stage, ms in timings_ms.items():
            self._stages.labels(stage).observe(ms / 1e3)


class _State(Collector):
    def __init__(self, app: App) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
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
        ready = not app.readiness()
        yield GaugeMetricFamily("alcove_ready", "1 when questions can be answered.", int(ready))
        if ready:
            yield from _of_search(app)


def _of_search(app: App) -> Iterator[Metric]:
    finder = app.finder()
    reader = finder.searcher.reader()
    yield GaugeMetricFamily(
        "alcove_index_chunks",
        "Chunks in the snapshot that answers.",
        len(reader.dense) if reader else 0,
    )
    yield CounterMetricFamily(
        "alcove_snapshot_swaps",
        "How often another snapshot took over.",
        finder.searcher.live.swaps,
    )
    sizes = finder.batch_sizes
    counts = accumulate(
        sum(n for size, n in sizes.items() if low < size <= high)
        for low, high in zip((0, *_BATCH), (*_BATCH, float("inf")), strict=True)
    )
    batches = HistogramMetricFamily(
        "alcove_query_batch_size", "Queries that were encoded together."
    )
    bounds = [*map(str, map(float, _BATCH)), "+Inf"]
    total = sum(size * n for size, n in sizes.items())
    batches.add_metric([], list(zip(bounds, counts, strict=True)), total)
    yield batches


class _Queues(Collector):
    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self._gates = gates

    def collect(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("alcove_queue_waiting", "Requests waiting.", labels=["route"])
        at_work = GaugeMetricFamily("alcove_queue_at_work", "Requests at work.", labels=["route"])
        refusals = CounterMetricFamily(
            "alcove_refusals", "Requests refused, by reason.", labels=["route", "reason"]
        )
        for route, gate in self._gates.items():
            waiting.add_metric([route], gate.waiting)
            at_work.add_metric([route], gate.at_work)
            for reason, count in gate.refusals.items():
                refusals.add_metric([route, reason], count)
        return waiting, at_work, refusals


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
            route, method = self._route(scope), scope["method"]
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - began)

    def _route(self, scope: Any) -> str:
        refused = scope["path"] if scope["path"] in self._metrics.gates else "other"
        return str(getattr(scope.get("route"), "path", refused))


def states(app: App, reader: str | None = None) -> dict[str, int]:
    """How many documents that ``reader`` (``None``: the owner) may read ended in each state."""
    rows = app.catalog.database.rows(
        f"SELECT state, COUNT(*) AS n FROM documents WHERE {LIVE} AND {READABLE} GROUP BY state",
        {"at": app.catalog.snapshot, "reader": reader},
    )
    return {row["state"]: row["n"] for row in rows}
