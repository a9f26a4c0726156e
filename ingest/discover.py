"""Which files an ingestion is about: walks folders, follows nothing out of them, hashes content.

Hidden folders and the droppings of desktops are passed over; everything else comes back as a ``Source``, readable or
not, so that the pipeline can give each a named state. Opens files for hashing only; parses nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import FileProblem, NotFound
from corpus.home import file_sha256
from corpus.records import State

__all__ = ["UPLOAD", "Source", "find_sources", "hash_source"]

UPLOAD = "upload:"  # sources that came through the page, not from a folder
PASSED_OVER = frozenset({"__pycache__", "node_modules", ".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file to ingest. ``name`` identifies it in the catalog; ``root`` is the path it was found under."""

    name: str
    path: Path
    root: Path


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Every file at or below ``paths``, each once, sorted by name.

    Raises:
        NotFound: one of ``paths`` does not exist.
    """
    found: dict[str, Source] = {}
    for path in paths:
        root = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - must not resolve links
        if not os.path.lexists(root):
            raise NotFound(f"there is no file or folder {str(path)!r}; nothing was changed")
        for file in _walk(root) if root.is_dir() else [root]:
            source = Source(_printable(file), file, root if root.is_dir() else root.parent)
            found.setdefault(source.name, source)
    return [found[name] for name in sorted(found)]


def hash_source(source: Source, max_bytes: int) -> tuple[str, int]:
    """SHA-256 and size in bytes of a source's content.

    Raises:
        FileProblem: it leads out of its root, is not a regular file, is too large, or cannot be read.
    """
    try:
        if source.path.is_symlink() and not source.path.resolve().is_relative_to(
            source.root.resolve()
        ):
            raise FileProblem(
                State.UNSAFE_PATH, "the link leads out of the folder, so it was not followed"
            )
        info = source.path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise FileProblem(State.UNSUPPORTED_TYPE, "this is not a regular file")
        if info.st_size > max_bytes:
            size, most = info.st_size / 2**20, max_bytes / 2**20
            raise FileProblem(
                State.TOO_LARGE, f"the file has {size:.0f} MiB, at most {most:.0f} are read"
            )
        if not os.access(source.path, os.R_OK):
            raise FileProblem(State.UNREADABLE, "there is no permission to read the file")
        return file_sha256(source.path), info.st_size
    except OSError as exc:
        raise FileProblem(State.UNREADABLE, f"the file cannot be read: {exc.strerror}") from exc


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root, followlinks=False):
        here = Path(folder)
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in PASSED_OVER)
        links = [
            n for n in names if (here / n).is_symlink()
        ]  # os.walk does not enter these: judge the link itself
        for name in sorted([*files, *links]):
            if name not in PASSED_OVER and not _leads_back(here / name, root, name in links):
                yield here / name


def _leads_back(link: Path, root: Path, is_folder: bool) -> bool:
    """A linked folder inside the root is walked under its real name already."""
    return is_folder and link.resolve().is_relative_to(root.resolve())


def _printable(path: Path) -> str:
    """The path as text that can be stored; bytes that are not UTF-8 appear as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
