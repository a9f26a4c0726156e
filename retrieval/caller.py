"""Who sent an HTTP request, for the routes of every folder.

The service's outermost layer (``agents.web_api.guard``) finds out who it is and leaves it in the request's state; a
route takes it as a parameter of type ``Caller``. Without that layer, everybody is the owner of the machine.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from corpus.errors import NotAllowed
from corpus.identity import OWNER, Person

__all__ = ["Caller", "caller", "require_owner"]


def caller(request: Request) -> Person:
    """The person whose request this is."""
    person: Person = getattr(request.state, "person", OWNER)
    return person


Caller = Annotated[Person, Depends(caller)]
"""The type of a route's parameter that wants to know."""


def require_owner(person: Person, what: str) -> None:
    """Refuse everybody but the owner of the machine.

    Raises:
        NotAllowed: ``what`` is the owner's, and this is somebody else.
    """
    if not person.is_owner:
        raise NotAllowed(f"{what} can only be used by the owner of this machine; ask them")
