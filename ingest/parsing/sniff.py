"""What a file is, from its name and its first bytes; disagreement between the two is reported, not
guessed away.

``detect`` returns a media type that ``ingest.parsing`` has a parser for, or raises ``FileProblem``.
Reads at most a few kilobytes, plus the directory of a zip file. Knows nothing of how a format is
parsed.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import FileProblem
from corpus.records import State

if TYPE_CHECKING:
    from olefile import OleFileIO

__all__ = ["CODE", "MEDIA_TYPES", "detect", "is_archive", "zip_kind"]

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
CODE = "text/x-source"

MEDIA_TYPES: dict[str, str] = {
    ".pdf": "application/pdf",
    ".docx": _OOXML + "wordprocessingml.document",
    ".docm": _OOXML + "wordprocessingml.document",
    ".pptx": _OOXML + "presentationml.presentation",
    ".pptm": _OOXML + "presentationml.presentation",
    ".xlsx": _OOXML + "spreadsheetml.sheet",
    ".xlsm": _OOXML + "spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
    ".doc": "application/msword",
    ".ppt": "application/vnd.ms-powerpoint",
    ".odt": _ODF + "text",
    ".ods": _ODF + "spreadsheet",
    ".odp": _ODF + "presentation",
    ".epub": "application/epub+zip",
    ".rtf": "application/rtf",
    ".msg": "application/vnd.ms-outlook",
    ".eml": "message/rfc822",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".rst": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
}
_CODE_SUFFIXES = (
    "py pyi c h cc cpp hpp cxx cs cu cuh go rs java kt scala swift js jsx mjs ts tsx rb php pl lua r jl sh bash "
    "zsh fish ps1 sql toml yaml yml json jsonl ini cfg conf env xml css scss proto cmake gradle dockerfile tf"
)
MEDIA_TYPES.update({f".{suffix}": CODE for suffix in _CODE_SUFFIXES.split()})
_CODE_NAMES = {"dockerfile", "makefile", "cmakelists.txt", "jenkinsfile"}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x7fELF", "an executable program"),
    (b"MZ", "an executable program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"GIF8", "a GIF picture"),
)
_ZIP_PARTS: tuple[tuple[str, str], ...] = (
    ("word/", MEDIA_TYPES[".docx"]),
    ("ppt/", MEDIA_TYPES[".pptx"]),
    ("xl/", MEDIA_TYPES[".xlsx"]),
)
_OLE_STREAMS: tuple[tuple[str, str], ...] = (
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", MEDIA_TYPES[".doc"]),
    ("Workbook", MEDIA_TYPES[".xls"]),
    ("Book", MEDIA_TYPES[".xls"]),
    ("PowerPoint Document", MEDIA_TYPES[".ppt"]),
    ("__properties_version1.0", MEDIA_TYPES[".msg"]),
)
_ARCHIVES = ("a gzip archive", "a 7-Zip archive", "a RAR archive", "a tar archive", "a zip archive")
_TAR_PLACE = 257  # of the magic word of a tar archive
_BIFF_STREAMS = ("Workbook", "Book")
_FILE_PASS = 0x2F
_FIRST_RECORDS = 8
_TEXTUAL = ("text/", "message/")
_HEAD = 8192


def detect(path: Path) -> str:
    """The media type of the file at ``path``.

    Raises:
        FileProblem: ``empty_text`` (no bytes), ``type_mismatch`` (name and content disagree),
            ``encrypted``,
            ``corrupt`` (a broken container), ``unsupported_type``.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileProblem(State.EMPTY_TEXT, f"The file {path.name!r} has no bytes in it.")
    named = _named(path)
    found = _found(path, head)
    if found is None:
        return _textual(path, head, named)
    if found == "encrypted":
        raise _encrypted(path.name)
    if named is not None and named != found:
        reason = (
            f"The name {path.name!r} says {named}, but the content is {found}; rename the file."
        )
        raise FileProblem(State.TYPE_MISMATCH, reason)
    if found in _ARCHIVES:
        reason = f"The file {path.name!r} is {found}; unpack it and add the files in it."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    if "/" not in found:
        reason = f"The file {path.name!r} is {found}, which has no text that can be read."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    return found


def _encrypted(name: str) -> FileProblem:
    reason = f"The file {name!r} is protected by a password; save a copy without one."
    return FileProblem(State.ENCRYPTED, reason)


def _named(path: Path) -> str | None:
    if path.name.lower() in _CODE_NAMES:
        return CODE
    return MEDIA_TYPES.get(path.suffix.lower())


def _found(path: Path, head: bytes) -> str | None:
    """The media type that the bytes prove, a phrase for a binary without text, or None for
    perhaps-text.
    """
    kind = _magic(head)
    if kind in ("image/bmp", "an executable program") and b"\x00" not in head:
        return None  # two letters prove little: text may start with BM or MZ
    if kind == "zip":
        return zip_kind(path, path.name)
    if kind == "ole":
        return _ole_kind(path)
    return kind


def _magic(head: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[_TAR_PLACE:].startswith(b"ustar"):
        return "a tar archive"
    # The format allows up to 1,024 bytes before the header.
    return "application/pdf" if b"%PDF-" in head[:1024] else None


def is_archive(path: Path, name: str | None = None) -> bool:
    """Whether the file at ``path``, called ``name``, is a zip archive to be unpacked like a folder.

    Its name and first bytes decide: documents in zip containers have endings of their own.
    """
    if Path(name or path.name).suffix.lower() != ".zip":
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def zip_kind(path: Path, name: str) -> str:
    """The media type of the zip container at ``path``, called ``name``, or a phrase for one that is no document.

    Raises:
        FileProblem: ``corrupt`` or ``encrypted``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                return archive.read("mimetype")[:200].decode("ascii", "replace").strip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as exc:
        reason = f"The file {name!r} is a damaged zip container; get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc
    except RuntimeError as exc:  # zipfile's way to say that a member needs a password
        raise _encrypted(name) from exc
    for prefix, media_type in _ZIP_PARTS:
        if any(part.startswith(prefix) for part in names):
            return media_type
    return "a zip archive"


def _ole_kind(path: Path) -> str:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as container:
            entries = {stream[0] for stream in container.listdir(streams=True)}
            if any(name in entries and _needs_password(container, name) for name in _BIFF_STREAMS):
                return "encrypted"
    except (OSError, ValueError, IndexError, TypeError) as exc:
        reason = f"The file {path.name!r} is a damaged Office container; get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc
    for marker, kind in _OLE_STREAMS:
        if any(entry == marker or entry.startswith(marker) for entry in entries):
            return kind
    return "an unknown Office container"


def _needs_password(container: OleFileIO, stream: str) -> bool:
    """Whether an old workbook is encrypted: it says so in one of its first records."""
    records = container.openstream(stream)
    for _ in range(_FIRST_RECORDS):
        kind, length = struct.unpack("<HH", records.read(4).ljust(4, b"\0"))
        if kind == _FILE_PASS:
            return True
        records.read(length)
    return False


def _textual(path: Path, head: bytes, named: str | None) -> str:
    binary_name = named is not None and not named.startswith(_TEXTUAL)
    if _looks_binary(head):
        if named is None:
            reason = (
                f"The file {path.name!r} is of an unknown binary type; nothing in it can be read."
            )
            raise FileProblem(State.UNSUPPORTED_TYPE, reason)
        state = State.CORRUPT if binary_name else State.TYPE_MISMATCH
        reason = f"The name {path.name!r} says {named}, but the content does not begin like that."
        raise FileProblem(state, reason)
    if binary_name:
        reason = (
            f"The name {path.name!r} says {named}, but the content is plain text; rename the file."
        )
        raise FileProblem(State.TYPE_MISMATCH, reason)
    return named or "text/plain"


def _looks_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False  # UTF-16 text begins with its byte-order mark
    strange = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head)
    return b"\x00" in head or strange > len(head) * 0.05
