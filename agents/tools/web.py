"""Reads a page of the web for the agent, where the owner of the machine has allowed its host.

A name is looked up once, every address it has is checked, and the connection goes to an address that
was checked, with the name for TLS and the Host header; so a name that changes its address in between
(DNS rebinding) gains nothing. A redirect is checked from the beginning. No proxy, no cookies, no
credentials, nothing but GET. Time, size and kind of a page are bounded; of HTML the text is taken, the
way ingestion takes it, and nothing in it is run or loaded.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urljoin

from agents.addresses import Address, Place, is_public, place_of, resolve
from agents.outside_settings import WebSettings
from corpus.errors import NotAllowed, OperatorError, UserError

__all__ = ["Connect", "Page", "Resolve", "Web"]

Resolve = Callable[[str, int, float], Sequence[str]]
"""The addresses of a host, given a port and the seconds there are."""
Connect = Callable[[str, int, float], socket.socket]
"""A connection to an address and port, within some seconds."""

_REDIRECTS = 3
_PIECE = 16_384
_KINDS = re.compile(r"text/[\w.+-]+|application/(?:[\w.-]+\+)?(?:json|xml|xhtml\+xml)")
_HEADERS = {
    "Accept": "text/html, text/plain;q=0.9, application/json;q=0.8, text/*;q=0.7",
    "Accept-Encoding": "identity",  # nothing that unpacks to more than was sent
    "Connection": "close",
    "User-Agent": "Alcove",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What was read, and from where after redirects."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class _Reply:
    location: str
    kind: str
    body: bytes


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class Web:
    """Reads pages.

    Args:
        settings: which hosts, and the limits.
        resolve, connect: of the network.
        may_reach: whether an address may be connected to.
        tls: for https; ``None``: as the machine trusts.
    """

    def __init__(
        self,
        settings: WebSettings,
        resolve: Resolve = resolve,
        connect: Connect = _connect,
        may_reach: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._resolve, self._connect, self._may_reach, self._tls = resolve, connect, may_reach, tls

    def fetch(self, url: str) -> Page:
        """The text of the page at ``url``.

        Raises:
            NotAllowed: pages are not read here, or not from that host or address.
            UserError: the URL is wrong, or what is there is no text or too long.
            OperatorError: it does not answer, or not in time.
        """
        if not self._settings.enabled:
            raise NotAllowed(
                "pages of the web are not read here; the owner of this machine can set web.enabled"
            )
        end = time.monotonic() + self._settings.total_s
        place = place_of(url, self._settings.allow)
        for _ in range(_REDIRECTS + 1):
            reply = self._get(place, end)
            if not reply.location:
                return Page(place.url, self._text(reply))
            following = place_of(urljoin(place.url, reply.location), self._settings.allow)
            if place.scheme == "https" and following.scheme == "http":
                raise NotAllowed(f"{place.host!r} leads from https to http, which is not followed")
            place = following
        raise UserError(
            f"{url[:200]!r} leads on more than {_REDIRECTS} times; give the last address"
        )

    def _get(self, place: Place, end: float) -> _Reply:
        try:
            raw = self._open(place, end)
            with _until(end, raw) as expired:
                try:
                    return self._ask(place, raw)
                except (OSError, http.client.HTTPException) as exc:
                    if expired.is_set():
                        raise TimeoutError from exc
                    raise
        except TimeoutError as exc:
            limit = self._settings.total_s
            raise OperatorError(
                f"{place.host!r} did not send the page within {limit:g} seconds"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise OperatorError(
                f"the page at {place.host!r} could not be read ({type(exc).__name__})"
            ) from exc

    def _open(self, place: Place, end: float) -> socket.socket:
        """A connection to an address that was checked, of a name that is looked up here and only here."""
        addresses = self._resolve(place.host, place.port, end - time.monotonic())
        for address in addresses:
            if not self._may_reach(ipaddress.ip_address(address)):
                raise NotAllowed(
                    f"{place.host!r} leads to an address of a private network; not asked"
                )
        problem: OSError = TimeoutError()
        for address in addresses:
            seconds = end - time.monotonic()
            if seconds <= 0:
                raise TimeoutError
            try:
                return self._connect(address, place.port, seconds)
            except OSError as exc:
                problem = exc
        raise problem

    def _ask(self, place: Place, raw: socket.socket) -> _Reply:
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.auto_open = 0  # else it would look the name up by itself
        if place.scheme == "https":
            raw = (self._tls or ssl.create_default_context()).wrap_socket(
                raw, server_hostname=place.host
            )
        connection.sock = raw
        try:
            host = place.url.split("/")[2]
            connection.putrequest("GET", place.target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": host, **_HEADERS}.items():
                connection.putheader(name, value)
            connection.endheaders()
            return self._reply(place, connection.getresponse())
        finally:
            connection.close()
            raw.close()

    def _reply(self, place: Place, response: http.client.HTTPResponse) -> _Reply:
        kind = response.headers.get_content_type()
        if response.status in (301, 302, 303, 307, 308) and response.headers.get("Location"):
            return _Reply(str(response.headers["Location"]), kind, b"")
        if response.status != 200:
            raise UserError(
                f"{place.host!r} answered with status {response.status}; try another page"
            )
        if (
            not _KINDS.fullmatch(kind)
            or response.headers.get("Content-Encoding", "identity") != "identity"
        ):
            raise UserError(
                f"what {place.url[:200]!r} gives is no text ({kind}); only text is read"
            )
        most, body = self._settings.max_kib * 1024, bytearray()
        while piece := response.read(_PIECE):
            body += piece
            if len(body) > most:
                raise UserError(
                    f"the page is longer than {self._settings.max_kib} KiB; read another"
                )
        return _Reply("", kind, bytes(body))

    def _text(self, reply: _Reply) -> str:
        if "html" in reply.kind:
            return _html_text(reply.body)
        return reply.body.decode("utf-8", "replace")


def _html_text(body: bytes) -> str:
    from ingest.parsing.canonical import TextBuilder
    from ingest.parsing.markup import add_html

    builder = TextBuilder()
    title = add_html(builder, body.decode("utf-8", "replace"))
    text = builder.build("text/html").text
    return f"{title}\n\n{text}" if title else text


@contextmanager
def _until(end: float, raw: socket.socket) -> Iterator[threading.Event]:
    """Ends a connection at a time, however slowly something still comes; the event says that it did."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with suppress(OSError):  # it is closed already
            socket.socket.shutdown(duplicate, socket.SHUT_RDWR)

    duplicate = raw.dup()  # wrapping in TLS takes the original's descriptor away
    timer = threading.Timer(max(0.0, end - time.monotonic()), expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
        if expired.is_set():
            raise TimeoutError
    finally:
        timer.cancel()
        timer.join()
        duplicate.close()
        raw.close()
