"""HTTP routes that say how the service is: health, readiness, status and metrics."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from agents.build import App
from agents.web_api.metrics import Metrics, states
from corpus.identity import OWNER, Person
from retrieval.caller import Caller, require_owner

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
    def exposition(person: Caller) -> Response:
        """Figures for Prometheus; the owner's."""
        require_owner(person, "the metrics")
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/v1/status")
    def status(person: Caller) -> dict[str, Any]:
        """What runs, with which models, and what it holds that the caller may read."""
        return status_json(app, person)

    @api.get("/v1/me")
    def me(request: Request, person: Caller) -> dict[str, Any]:
        """Who the caller is; ``name`` is empty where there are no users."""
        account = getattr(request.state, "account", None)
        name = account.name if account else ""
        return {"name": name, "owner": person.is_owner, "signed_in": account is not None}

    return api


def status_json(app: App, person: Person = OWNER) -> dict[str, Any]:
    """The object that ``GET /v1/status`` returns. Models that are not loaded yet have no name.

    Where things are, and how often the index changed, is the owner's to know; others find it left empty.
    """
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
    if not person.is_owner:
        engine |= {"url": "", "label": engine["model"] if engine["url"] else engine["label"]}
        encoder |= {"note": ""}
    return {
        "version": version(),
        "home": str(app.home.root) if person.is_owner else "",
        "snapshot": app.catalog.snapshot if person.is_owner else None,
        "engine": engine,
        "encoder": encoder,
        "collections": [
            {"name": c.name, "documents": c.documents, "chunks": c.chunks}
            for c in app.catalog.collections(person.reader)
        ],
        "states": states(app, person.reader),
    }


def version() -> str:
    """This release's."""
    try:
        return importlib.metadata.version("alcove")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
