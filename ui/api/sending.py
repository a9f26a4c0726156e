"""Chosen files on their way to the service, some at a time, in a thread; each is let go of once it was taken.

The page is never held up by it, and whatever happens to the service, what was not taken is kept and can be sent
again: sending a file twice changes nothing. Names are made safe to send. Knows nothing of Streamlit.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from corpus.errors import AlcoveError, NotAllowed, NotSignedIn, UserError
from ui.api.client import ServiceDown
from ui.api.documents import DocumentService

__all__ = ["Sending", "sent_name"]

BATCH_FILES = 200
BATCH_BYTES = 64 * 2**20
_LONGEST = 150  # characters of one part of a path
_UNSEEN = re.compile(  # the first two: how a browser sends the ends of lines in a name
    "%0A|%0D|[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)

Files = Sequence[tuple[str, BinaryIO]]


def sent_name(name: str) -> str:
    """A file's name, or its path in a folder, without what hides or reorders other text; the ending is kept."""
    parts = [_part(part) for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "file"


def _part(part: str) -> str:
    seen = " ".join(_UNSEEN.sub(" ", part).split())
    if len(seen) <= _LONGEST:
        return seen
    stem, dot, ending = seen.rpartition(".")
    keeps = dot and len(ending) <= 10
    return f"{stem[: _LONGEST - 12]}….{ending}" if keeps else seen[:_LONGEST]


class Sending:
    """Hands ``files`` over to ``collection``.

    ``jobs`` are the ids of the jobs that read them; ``refused`` the files that the service did not take, with its
    words; ``trouble`` why it stopped, empty while it goes on, and ``away`` whether that was because the service does
    not answer.
    """

    def __init__(self, documents: DocumentService, files: Files, collection: str) -> None:
        self.total = len(files)
        self.jobs: list[str] = []
        self.refused: list[tuple[str, str]] = []
        self.trouble, self.away = "", False
        self._documents = documents
        self._collection = collection
        self._left = deque((sent_name(name), data) for name, data in files)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.go_on()

    @property
    def left(self) -> int:
        """How many files were not taken yet."""
        return len(self._left)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to send."""
        return not self._left

    def go_on(self) -> None:
        """Send what is left; called again after trouble."""
        if self.over or (self._thread is not None and self._thread.is_alive()):
            return
        self.trouble, self.away = "", False
        self._thread = threading.Thread(target=self._send, name="sending", daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Let go of what was not taken yet."""
        with self._lock:
            self.total -= len(self._left)
            self._left.clear()

    def wait(self, seconds: float) -> None:
        """Wait until it stops, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _send(self) -> None:
        try:
            while batch := self._batch():
                self._hand_over(batch)
                with self._lock:
                    for _ in range(min(len(batch), len(self._left))):
                        self._left.popleft()
        except AlcoveError as exc:
            self.trouble, self.away = str(exc), isinstance(exc, ServiceDown)

    def _batch(self) -> list[tuple[str, BinaryIO]]:
        batch: list[tuple[str, BinaryIO]] = []
        size = 0
        with self._lock:
            for name, data in self._left:
                size += data.seek(0, 2)
                if batch and (size > BATCH_BYTES or len(batch) == BATCH_FILES):
                    break
                batch.append((name, data))
        return batch

    def _hand_over(self, batch: Files) -> None:
        """Hand over some files; if they are refused together, each by itself, to know which of them it is."""
        try:
            self.jobs.append(self._documents.upload(batch, self._collection))
        except (NotAllowed, NotSignedIn):
            raise
        except UserError as exc:
            if len(batch) == 1:
                self.refused.append((batch[0][0], str(exc)))
                return
            before = len(self.jobs)
            for one in batch:
                self._hand_over([one])
            if len(self.jobs) == before:  # it was not about one of them
                del self.refused[-len(batch) :]
                raise exc
