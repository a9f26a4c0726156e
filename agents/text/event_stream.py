"""Server-sent events as they arrive: bytes in pieces, the ``data`` of each event out.

Lines end at a line feed only: JSON may hold U+2028 and its kin, which ``str.splitlines`` (and with it httpx's lines)
takes for ends of lines. Knows nothing of HTTP; what it reads is in
https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["EventStream"]


class EventStream:
    """Reads one stream; what an event still lacks is kept until it comes."""

    def __init__(self) -> None:
        self._rest, self._data = b"", list[str]()

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of each event that ``piece`` completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode()
            if text.startswith("data:"):
                self._data.append(text[5:].removeprefix(" "))
            elif not text and self._data:
                yield "\n".join(self._data)
                self._data.clear()
