"""HTTP routes that say how the service is: health, readiness, status and metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from agents.health.checks import Finding, State
from agents.health.parts import language_model
from agents.web_api.metrics import Metrics
from agents.web_api.overview import Health, status_json
from retrieval.caller import Caller, require_owner

__all__ = ["router"]


class Readiness(BaseModel):
    """Body of ``GET /readyz``; the reason is only there while it is not ready."""

    ready: bool
    reason: str = ""


class Checked(BaseModel):
    """What the doctor found of one part; commands stand in backquotes in ``advice``, what to do about it."""

    name: str
    state: State
    finding: str
    advice: str


class Checks(BaseModel):
    """Reply of ``GET /v1/doctor``: the last look, or the first one as far as it is.

    ``checked`` is when it ended, in ISO 8601; ``looking`` says whether another is under way.
    """

    checks: list[Checked]
    checked: str | None
    looking: bool


def router(health: Health, metrics: Metrics) -> APIRouter:
    """``/healthz``, ``/readyz``, ``/metrics``, ``/v1/me``, ``/v1/status`` and ``/v1/doctor``."""
    api = APIRouter(tags=["status"])
    app = health.app
    _add_doctor(api, health)

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
        return status_json(health, person)

    @api.get("/v1/me")
    def me(request: Request, person: Caller) -> dict[str, Any]:
        """Who the caller is; ``name`` is empty where there are no users."""
        account = getattr(request.state, "account", None)
        name = account.name if account else ""
        return {"name": name, "owner": person.is_owner, "signed_in": account is not None}

    return api


def _add_doctor(api: APIRouter, health: Health) -> None:
    @api.get("/v1/doctor")
    def diagnosis(person: Caller) -> Checks:
        """What the doctor found lately; what takes long is looked at in the background. The owner's."""
        require_owner(person, "the doctor")
        return _checks(health)

    @api.post("/v1/doctor", status_code=202)
    def look_again(person: Caller) -> Checks:
        """Begin to look at everything anew, unless that is being done. The owner's."""
        require_owner(person, "the doctor")
        health.doctor.look()
        return _checks(health)


def _checks(health: Health) -> Checks:
    found = health.doctor.diagnosis()
    findings = [*found.findings, _model(health)]
    rows = [
        Checked(name=f.name, state=f.state, finding=f.finding, advice=f.advice) for f in findings
    ]
    return Checks(checks=rows, checked=found.checked, looking=found.looking)


def _model(health: Health) -> Finding:
    """The one check that does not last, made now."""
    core = health.app.loaded()
    reached = health.watch.look(core.engine.url) if core and core.engine.url else None
    return language_model(core.engine if core else None, reached, health.app.settings.llm)
