"""HTTP routes of who may use the service: listed, let in, given a new key, let in no more. The owner's alone.

A key is in the reply that makes it, and nowhere else. Nobody can lock the last owner out from here; the command line,
which works on the machine itself, can.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agents.build import App
from agents.people.identity import Account
from corpus.identity import OWNER
from corpus.ownership import require_free_namespace
from retrieval.caller import Caller, require_owner

__all__ = ["router"]


class NewUser(BaseModel):
    """Body of ``POST /v1/users``."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, description="1 to 32 of a-z, 0-9, '-' and '_'")
    owner: bool = Field(default=False, description="they act as the owner of the machine")


class User(BaseModel):
    """Who has a key. ``key`` is the beginning of it, by which it is told from others; ``created`` a date."""

    name: str
    owner: bool
    key: str
    created: str


class Users(BaseModel):
    """Reply of ``GET /v1/users``; nobody: no key is asked for, and whoever is at this machine is its owner."""

    users: list[User]


class NewKey(BaseModel):
    """A key, which is told only now."""

    name: str
    key: str


def _owner(person: Caller) -> None:
    require_owner(person, "the list of users")


def router(app: App) -> APIRouter:
    """Routes under ``/v1/users``."""
    api = APIRouter(prefix="/v1/users", tags=["users"], dependencies=[Depends(_owner)])

    def note(request: Request, action: str, name: str) -> None:
        """In the audit log, with the name of the owner who did it, if they have one."""
        account: Account | None = getattr(request.state, "account", None)
        by = {"by": account.name} if account else {}
        app.chats.audit(OWNER, action, {"user": name, **by})

    @api.get("")
    def list_users() -> Users:
        """Everybody who has a key, by name."""
        rows = app.users.accounts()
        return Users(
            users=[User(name=a.name, owner=a.owner, key=a.key, created=a.created) for a in rows]
        )

    @api.post("", status_code=201)
    def add_user(body: NewUser, request: Request, response: Response) -> NewKey:
        """Let somebody in. The first key must be an owner's: from then on everybody needs one."""
        if not body.owner:
            require_free_namespace(app.catalog.database, body.name)
        key = app.users.add(body.name, body.owner, keep_owner=True)
        note(request, "user.added", body.name)
        return _told(response, body.name, key)

    @api.post("/{name}/key")
    def new_key(name: str, request: Request, response: Response) -> NewKey:
        """Give somebody a new key; the old one is refused from now on."""
        key = app.users.rotate(name)
        note(request, "user.rotated", name)
        return _told(response, name, key)

    @api.delete("/{name}", status_code=204)
    def remove_user(name: str, request: Request) -> None:
        """Let somebody in no more; what is theirs stays, for a user of the same name."""
        app.users.remove(name, keep_owner=True)
        note(request, "user.removed", name)

    return api


def _told(response: Response, name: str, key: str) -> NewKey:
    response.headers["Cache-Control"] = "no-store"
    return NewKey(name=name, key=key)
