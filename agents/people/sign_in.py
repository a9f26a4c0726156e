"""Who sends a request: the API key in its ``Authorization`` header, looked up before anything else is done.

A wrong key is answered with 401, and after some of them from one address with 429 until a minute has passed, so that
guessing fills neither the log nor the processor; a right key always passes, for many people may share an address.
``/healthz`` and ``/readyz`` need no key. Knows nothing of what the routes do.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.people.identity import Users
from corpus.errors import AlcoveError, NotSignedIn, OperatorError, Overloaded, UserError
from corpus.identity import OWNER, Person

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["OPEN_PATHS", "SignIn", "is_loopback", "require_keys"]

_LOG = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_FAILURES = 10  # wrong keys from one address, per window, that are answered one by one
_NOBODY = Person("(nobody)")  # which no user can be called
_WINDOW_S = 60.0
_ADDRESSES = 1024  # addresses remembered; the longest silent is forgotten first


class SignIn:
    """Finds out who a request comes from. Safe to use from several threads.

    Args:
        users: who may use the service.
        audit: told of wrong keys, until too many come from one address.
    """

    def __init__(
        self, users: Users, audit: Callable[[Person, str, Mapping[str, Any]], None]
    ) -> None:
        self._users, self._audit = users, audit
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, scope: Scope) -> AlcoveError | None:
        """Leave the person, and the account if there is one, in the request's state; or say why not."""
        state = scope.setdefault("state", {})
        state["person"], state["account"] = OWNER, None
        if scope["path"] in OPEN_PATHS:
            return None
        try:
            if not self._users.are_there():
                return None
            account = self._users.who(_key(scope))
        except OperatorError as exc:
            _LOG.error("nobody can sign in: %s", exc)
            return OperatorError("nobody can sign in at the moment; the service's log says why")
        if account is None:
            return self._refusal(scope)
        state["person"], state["account"] = account.person, account
        return None

    def _refusal(self, scope: Scope) -> AlcoveError:
        if not _key(scope):
            return NotSignedIn(
                "this service asks for an API key; send one that `alcove users add` made as 'Authorization: Bearer KEY'"
            )
        address = (scope.get("client") or ("unknown",))[0]
        count, left = self._failed(address)
        if count <= _FAILURES:
            self._audit(_NOBODY, "sign-in.refused", {"address": address})
            return NotSignedIn(
                "this API key is not known here; check it, or have a new one made with `alcove users rotate`"
            )
        return Overloaded(
            "too many wrong API keys came from this address; try again in a minute",
            max(1, int(left)),
        )

    def _failed(self, address: str) -> tuple[int, float]:
        """How many wrong keys this address has sent in its window, this one too, and what is left of it (seconds)."""
        now = time.monotonic()
        with self._lock:
            count, began = self._failures.pop(address, (0, now))
            if now - began > _WINDOW_S:
                count, began = 0, now
            self._failures[address] = (count + 1, began)
            if len(self._failures) > _ADDRESSES:
                self._failures.popitem(last=False)
        return count + 1, _WINDOW_S - (now - began)


def is_loopback(host: str) -> bool:
    """Whether listening on ``host`` is listening to this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(e[4][0]).is_loopback for e in found)


def require_keys(host: str, users: Users, trusted_network: bool) -> None:
    """Refuse to be open to a network without keys.

    Raises:
        UserError: ``host`` is reached from beyond this machine, and there are no users.
    """
    if not (trusted_network or is_loopback(host) or users.are_there()):
        raise UserError(
            f"on {host!r} everyone who reaches this machine could read the documents; make a key with"
            " `alcove users add NAME --owner` first, or listen on 127.0.0.1"
        )


def _key(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            return key.strip() if scheme.lower() == "bearer" else ""
    return ""
