"""Ports for servers that are asked whether they are there before they are."""

from __future__ import annotations

import random
import socket

__all__ = ["free_port"]

_CHOICE = random.SystemRandom()
_FIRST, _LAST = 10_000, 32_000  # below those that Linux gives to clients


def free_port() -> int:
    """A port that nothing listens on, and that no client is given.

    A client's port can be connected to itself while nobody listens there: whoever asks for the server then hears
    their own words, and the server cannot have the port.
    """
    while True:
        port = _CHOICE.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
