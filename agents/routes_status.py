"""HTTP routes that say how the service is: health, readiness, status and metrics."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from agents.build import App
from agents.metrics import Metrics, states

__all__ = ["router", "version"]


class Readiness(BaseModel):
    """Body of ``GET /readyz``; the reason is only there while it is not ready."""

    ready: bool
    reason: str = ""


def router(app: App, metrics: Metrics) -> APIRouter:
    """``/healthz``, ``/readyz``, ``/metrics`` and ``/v1/status``."""
    api = APIRouter(tags=["status"])

    @api.get("/healthz")
    async def healthy() -> dict[str, str]:
        """The process is there."""
        return {"status": "ok"}

    @api.get("/readyz", responses={200: {"model": Readiness}, 503: {"model": Readiness}})
    def ready() -> JSONResponse:
        """Questions can be answered; 503 with the reason while they cannot."""
        reason = app.readiness()
        if reason:
            return JSONResponse({"ready": False, "reason": reason}, status_code=503)
        return JSONResponse({"ready": True})

    @api.get("/metrics", response_class=PlainTextResponse)
    def exposition() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/v1/status")
    def status() -> dict[str, Any]:
        """What runs, with which models, and what it holds."""
        return status_json(app)

    return api


def status_json(app: App) -> dict[str, Any]:
    """The object that ``GET /v1/status`` returns. Models that are not loaded yet have no name."""
    core = app.loaded()
    waiting = app.readiness()
    engine = {"name": "", "model": "", "url": "", "label": waiting}
    encoder = {"name": "", "dimension": 0, "note": waiting}
    if core is not None:
        e, fingerprint = core.engine, core.encoder.fingerprint
        engine = {"name": e.name, "model": e.model, "url": e.url, "label": e.label}
        encoder = {
            "name": fingerprint.model,
            "dimension": fingerprint.dimension,
            "note": core.note,
        }
    return {
        "version": version(),
        "home": str(app.home.root),
        "snapshot": app.catalog.snapshot,
        "engine": engine,
        "encoder": encoder,
        "collections": [
            {"name": c.name, "documents": c.documents, "chunks": c.chunks}
            for c in app.catalog.collections()
        ],
        "states": states(app),
    }


def version() -> str:
    """This release's."""
    try:
        return importlib.metadata.version("alcove")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
