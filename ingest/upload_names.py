"""What an uploaded file is called: its path in the folder that was uploaded, as far as that is safe to keep.

Control and direction marks are taken out, so that a name looks like what it is; a path that leads anywhere but down is
refused. Each refusal is a sentence for the person, and costs no other file of the same upload.
"""

from __future__ import annotations

import re
import unicodedata

from corpus.errors import FileProblem
from corpus.records import State
from ingest.filenames import is_dropping

__all__ = ["upload_name"]

MAX_PART_CHARACTERS = 200
MAX_CHARACTERS = 1000
MAX_DEPTH = 50
_DRIVE = re.compile(r"[A-Za-z]:")
# How browsers write what cannot stand in the header that carries a name (WHATWG, multipart/form-data).
_ESCAPED = {"%0D": "\r", "%0A": "\n", "%22": '"'}


def upload_name(given: str | None) -> str:
    """The name to keep, with ``/`` between folders.

    Raises:
        FileProblem: it cannot name a file; says why.
    """
    path = unicodedata.normalize("NFC", given or "").replace("\\", "/")
    for escaped, character in _ESCAPED.items():
        path = path.replace(escaped, character)
    if path.startswith("/") or _DRIVE.match(path):
        raise _unsafe("its name is an absolute path; upload the file or its folder by itself")
    parts = [_visible(part) for part in path.split("/")]
    parts = [part for part in parts if part not in ("", ".")]
    if not parts or not _visible(path.rpartition("/")[2]):
        raise _unsafe("its name has no visible character; rename the file")
    if ".." in parts:
        raise _unsafe("its name leads out of its folder ('..'); rename the file or the folder")
    if any(len(part) > MAX_PART_CHARACTERS for part in parts) or len(path) > MAX_CHARACTERS:
        raise _unsafe(
            f"its name is longer than {MAX_PART_CHARACTERS} characters, or its path than {MAX_CHARACTERS}; shorten it"
        )
    if len(parts) > MAX_DEPTH:
        raise _unsafe(f"it lies more than {MAX_DEPTH} folders deep; upload a folder further down")
    if any(is_dropping(part) for part in parts):
        raise FileProblem(
            State.UNSUPPORTED_TYPE, "programs leave such files behind by themselves; passed over"
        )
    return "/".join(parts)


def _visible(part: str) -> str:
    return "".join(c for c in part if c.isprintable()).strip()


def _unsafe(reason: str) -> FileProblem:
    return FileProblem(State.UNSAFE_PATH, reason)
