"""HTTP routes of what is kept for a person: memories and notes, to see, write, change and delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from agents.build import App
from agents.records.record_json import Json
from agents.tools.tool import Entry
from corpus.errors import UserError
from retrieval.caller import Caller

__all__ = ["YOU", "router"]

YOU = "you"
"""The source of what a person wrote themselves; otherwise it is the id of a thread."""


class MemoryText(BaseModel):
    """Body of ``POST /v1/memories`` and ``PATCH /v1/memories/{id}``."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="at most 2,000 characters")


class NewNote(BaseModel):
    """Body of ``POST /v1/notes``."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="at most 200 characters")
    text: str = Field(description="at most 100,000 characters")


class NoteChange(BaseModel):
    """Body of ``PATCH /v1/notes/{id}``; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = None
    text: str | None = None


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1", tags=["memories"])
    _add_memories(api, app)
    _add_notes(api, app)
    return api


def _add_memories(api: APIRouter, app: App) -> None:
    memories = app.chats.memories

    @api.get("/memories")
    def list_memories(person: Caller) -> dict[str, Any]:
        """Everything that is remembered about the caller, the last changed first."""
        return {"memories": [_memory(entry) for entry in memories.memories(person.name)]}

    @api.post("/memories", status_code=201)
    def add_memory(body: MemoryText, person: Caller) -> Json:
        """Have something remembered."""
        return _memory(memories.remember(person.name, body.text, YOU))

    @api.patch("/memories/{id}")
    def edit_memory(id: str, body: MemoryText, person: Caller) -> Json:
        """Put other words in a memory's place."""
        return _memory(memories.edit(person.name, id, body.text))

    @api.delete("/memories/{id}", status_code=204)
    def delete_memory(id: str, person: Caller) -> Response:
        """Forget something, for good."""
        memories.delete(person.name, id)
        return Response(status_code=204)


def _add_notes(api: APIRouter, app: App) -> None:
    notes = app.chats.notes

    @api.get("/notes")
    def list_notes(person: Caller) -> dict[str, Any]:
        """All notes of the caller, the last changed first."""
        return {"notes": [asdict(entry) for entry in notes.notes(person.name)]}

    @api.get("/notes/{id}")
    def show_note(id: str, person: Caller) -> Json:
        """One note."""
        return asdict(notes.note(person.name, id))

    @api.post("/notes", status_code=201)
    def write_note(body: NewNote, person: Caller) -> Json:
        """Write a note; one of the same title is replaced."""
        return asdict(notes.write(person.name, body.title, body.text, YOU))

    @api.patch("/notes/{id}")
    def edit_note(id: str, body: NoteChange, person: Caller) -> Json:
        """Give a note another title, another text, or both."""
        if body.title is None and body.text is None:
            raise UserError("nothing is to be changed; give a title or a text")
        return asdict(notes.edit(person.name, id, body.title, body.text))

    @api.delete("/notes/{id}", status_code=204)
    def delete_note(id: str, person: Caller) -> Response:
        """Delete a note, for good."""
        notes.delete(person.name, id)
        return Response(status_code=204)


def _memory(entry: Entry) -> Json:
    return {name: value for name, value in asdict(entry).items() if name != "title"}
