"""The page's only way to data: a small HTTP client of the Alcove service.

Every refusal of the service is raised as the class of ``corpus.errors`` that it names, and a
service that cannot be reached as ``ServiceDown``. Safe to share between sessions and threads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, cast

import httpx

from agents.text.event_stream import EventStream
from corpus.errors import InternalError, NotFound, OperatorError, error_class
from ui.api.wire import MeJson, StatusJson
from ui.settings import PageSettings

__all__ = ["Service", "ServiceDown", "sse_data"]


class ServiceDown(OperatorError):
    """The service does not answer, or is not ready yet; it is worth trying again."""


class Service:
    """The service at ``settings.service``.

    Every method raises ``ServiceDown`` when it cannot be reached, and the error the service names
    (``NotFound``, ``UserError``, …) when it refuses: ``NotSignedIn`` when it asks for a key. ``who``
    tells one key's replies from another's without being the key; empty without one.
    """

    def __init__(self, settings: PageSettings, key: str = "") -> None:
        """``key``: the API key of who signed in; without one, that of the settings."""
        self.url = settings.service
        key = key or settings.key.get_secret_value()
        self.who = hashlib.sha256(key.encode()).hexdigest() if key else ""
        self._silence = settings.silence_s
        # A proxy from the environment must not see what is asked of a service on this machine.
        self._http = httpx.Client(
            base_url=settings.service,
            timeout=httpx.Timeout(settings.read_s, connect=settings.connect_s),
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    def close(self) -> None:
        """Close its connections; it cannot be used afterwards."""
        self._http.close()

    # What runs

    def ready(self) -> None:
        """Return when the service can answer; raise ``ServiceDown`` with its reason when not."""
        self.call("GET", "/readyz")

    def me(self) -> MeJson:
        """Who the service takes this for."""
        return cast(MeJson, self.ask_json("GET", "/v1/me"))

    def status(self) -> StatusJson:
        """Engine, encoder, collections and the number of documents in each state."""
        return cast(StatusJson, self.ask_json("GET", "/v1/status"))

    # HTTP

    def stream(
        self, path: str, params: Mapping[str, Any], is_over: Callable[[], bool] = bool
    ) -> Iterator[dict[str, Any]]:
        """The server-sent events of a reply, as they come, until ``is_over``.

        That is asked whenever something comes; the service sends a sign of life every few seconds.
        Raises ``ServiceDown`` too when nothing came for a while: ask again from the last one.
        """
        timeout = httpx.Timeout(self._silence, connect=self._http.timeout.connect)
        request = self._http.build_request("GET", path, params=params, timeout=timeout)
        with self._reached():
            response = self._http.send(request, stream=True)
            try:
                _raise_for(response)
                wanted = takewhile(lambda _: not is_over(), response.iter_bytes())
                for data in sse_data(wanted):
                    yield json.loads(data)
            finally:
                response.close()

    def ask_json(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """The JSON object of a reply; for the parts of the API that have a client of their own."""
        return cast(dict[str, Any], self.call(method, path, **kwargs).json())

    def call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """A reply, once it is known to be no refusal."""
        with self._reached():
            response = self._http.request(method, path, **kwargs)
        _raise_for(response)
        return response

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as exc:
            raise ServiceDown(
                f"The service at {self.url!r} does not answer; is it running?"
            ) from exc


def sse_data(chunks: Iterable[bytes]) -> Iterator[str]:
    """The ``data`` of each server-sent event in a byte stream."""
    events = EventStream()
    for chunk in chunks:
        yield from events.feed(chunk)


def _raise_for(response: httpx.Response) -> None:
    if response.is_success:
        return
    response.read()
    try:
        body = response.json()
    except ValueError:
        body = {}
    named = body.get("error") if isinstance(body, dict) else None
    if isinstance(named, dict):
        raise error_class(str(named.get("type")))(str(named.get("message")))
    if response.status_code == 503:
        raise ServiceDown(str(body.get("reason") or "The service is starting."))
    if response.status_code == 404:
        raise NotFound(
            f"The service does not know {response.request.url.path!r}; is it up to date?"
        )
    raise InternalError(
        f"The service replied {response.status_code}; look at its log and report it."
    )
