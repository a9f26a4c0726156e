"""HTTP routes of what a person decides about the agent's calls, and of the audit log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from agents.build import App
from agents.records.record_json import Json
from agents.running.decisions import Word
from retrieval.caller import Caller, require_owner

__all__ = ["router"]

State = Literal["asked", "approved", "rejected", "expired", "executing", "executed", "unknown"]


class Decision(BaseModel):
    """Body of ``POST /v1/approvals/{id}``."""

    model_config = ConfigDict(extra="forbid")

    verdict: Word
    arguments: dict[str, Any] | None = None
    reason: str = Field(default="", max_length=1000)


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1")

    @api.get("/approvals", tags=["approvals"])
    def list_approvals(person: Caller, state: State | None = None) -> Json:
        """The caller's approvals, the oldest first; ``state=asked``: those that wait."""
        found = app.chats.approvals.of_person(person.name, state)
        return {"approvals": [approval.to_json() for approval in found]}

    @api.get("/approvals/{id}", tags=["approvals"])
    def show_approval(id: str, person: Caller) -> Json:
        """One approval."""
        return app.chats.approvals.get(id, person.name).to_json()

    @api.post("/approvals/{id}", tags=["approvals"])
    def decide(id: str, body: Decision, person: Caller) -> Json:
        """Approve of exactly what is asked, edit its arguments, or reject; once."""
        return app.decisions.decide(person, id, body.verdict, body.arguments, body.reason)

    @api.get("/audit", tags=["audit"])
    def audit(
        person: Caller,
        before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Json:
        """The audit log, the newest entry first; for the owner of the machine."""
        require_owner(person, "the audit log")
        return {"entries": app.chats.audit.entries(before, limit)}

    return api
