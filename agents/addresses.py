"""Which places of the network may be asked: hosts by an allow-list, addresses by being public.

A name says nothing about where it leads, so both are checked: the name against the list, and every
address it has against the ranges that lead back into a machine or a private network, in any of the
forms in which IPv6 can carry an IPv4 address. Knows nothing of HTTP.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from corpus.errors import NotAllowed, OperatorError, UserError

__all__ = ["Address", "Place", "is_public", "is_this_machine", "place_of", "resolve"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
# What ``is_global`` lets through although it leads to IPv4 addresses or is not for the open network.
_REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "::/96",  # IPv4-compatible
            "::ffff:0:0/96",  # IPv4-mapped
            "::ffff:0:0:0/96",  # IPv4-translated
            "64:ff9b::/96",  # NAT64
            "64:ff9b:1::/48",  # NAT64 of a local network
            "2001::/32",  # Teredo
            "2002::/16",  # 6to4
            "5f00::/16",  # segment routing
            "fec0::/10",  # site-local
            "100.64.0.0/10",  # carrier-grade NAT
            "192.88.99.0/24",  # 6to4 relays
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A server as a URL names it, and what to ask it for."""

    scheme: str
    host: str
    port: int
    target: str  # path and query

    @property
    def url(self) -> str:
        """The URL in its plain form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def place_of(url: str, allow: Sequence[str]) -> Place:
    """The place a URL names, if it is one that may be asked.

    Args:
        allow: hosts as in ``web.allow``.

    Raises:
        UserError: it is no http or https URL, or one that carries a name and password.
        NotAllowed: its host or port is not on the list.
    """
    if re.search(r"[\x00-\x20\x7f\\]", url) or not url.isascii():
        raise UserError(f"{url[:200]!r} holds characters that no URL has; write it out encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise UserError(f"{url[:200]!r} is no URL ({exc}); correct it") from exc
    if parts.scheme not in _PORTS:
        raise UserError(
            f"{url[:200]!r} begins with neither http:// nor https://, which is all that is read"
        )
    if "@" in parts.netloc:
        raise UserError(f"{url[:200]!r} carries a name or password; leave it out")
    host = (parts.hostname or "").rstrip(".")
    if not _is_host(host):
        raise UserError(f"{url[:200]!r} names no host; write https://example.org/…")
    place = Place(
        parts.scheme,
        host,
        _PORTS[parts.scheme] if port is None else port,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if not any(_allows(entry.lower(), place) for entry in allow):
        raise NotAllowed(
            f"{host!r} (port {place.port}) is not among the hosts that may be asked;"
            " the owner of this machine can add it to web.allow in the settings"
        )
    return place


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        numeric = labels[-1].isdigit() or labels[-1].startswith("0x")  # 127.1, 2130706433, 0x7f.1
        return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not numeric
    return True


def _allows(entry: str, place: Place) -> bool:
    host, _, port = entry.rpartition(":") if re.search(r":\d+$", entry) else (entry, "", "")
    if place.port != (int(port) if port else _PORTS[place.scheme]):
        return False
    if host.startswith("*."):
        return place.host.endswith(host[1:]) and len(place.host) > len(host) - 1
    return place.host == host.strip("[]")


def is_public(address: Address) -> bool:
    """Whether an address is one of the open network, in none of the ways back into a private one."""
    if any(address.version == net.version and address in net for net in _REFUSED):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )


def is_this_machine(host: str) -> bool:
    """Whether a URL's host is this machine by its own names, which need no look-up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name, looked up once.

    Raises:
        OperatorError: it has none, or the look-up takes longer.
    """
    found: list[str] = []
    problem: list[OSError] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except OSError as exc:
            problem.append(exc)

    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        reason = str(problem[0]) if problem else f"no answer within {seconds:.0f} seconds"
        raise OperatorError(f"the host {host!r} was not found ({reason}); check the name")
    return list(found)
