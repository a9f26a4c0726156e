"""Unpacks a zip archive like a folder of files: ``unpack(path, folder, limits)``.

What an archive says of itself is not believed. Members are written under numbers of our own, so
that no name can lead anywhere; the name a member has in the archive is only reported. Links and
names that would leave the folder, members that are encrypted, damaged or too large, and archives
nested too deep cost themselves alone. The bytes and the number of all members together are
bounded, those of nested archives included. Run it in a process that can be killed:
``ParserPool.unpack``.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from corpus.errors import FileProblem
from corpus.records import State
from ingest.filenames import PASSED_OVER
from ingest.parsing.archives import DAMAGE, ENCRYPTED, ceiling, check_directory, open_archive
from ingest.parsing.limits import Limits
from ingest.parsing.progress import steps
from ingest.parsing.sniff import is_archive, zip_kind

__all__ = ["Member", "unpack"]

_BLOCK = 1 << 20
_MAX_DEPTH = 3  # archives in archives
_MAX_SUFFIX = 16
_NAME_IS_UTF8 = 0x800
_DRIVE = re.compile(r"^[A-Za-z]:")
_DROPPINGS = PASSED_OVER | {"__MACOSX"}


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        name: its path inside the archive, parted by ``/``, printable and unlike any other's; an
            archive in the archive is a folder of it.
        path: where its bytes were written; None when it has a ``problem``.
        problem: why it could not be unpacked.
    """

    name: str
    path: Path | None
    problem: FileProblem | None = None


def unpack(path: Path, folder: Path, limits: Limits) -> list[Member]:
    """Write the files in the archive at ``path`` into ``folder``, in the archive's order.

    Folders, and what desktops drop into archives, are passed over.

    Raises:
        FileProblem: ``bomb``, ``corrupt``, ``encrypted`` (every member is) or ``type_mismatch``
            (a document that calls itself an archive). ``folder`` may hold files then.
    """
    job = _Unpacking(folder, limits, left=ceiling(path, limits))
    job.add_archive(path, path.name, "", 1)
    if job.members and all(_is_encrypted(member) for member in job.members):
        reason = f"The archive {path.name!r} is protected by a password; save a copy without one."
        raise FileProblem(State.ENCRYPTED, reason)
    return job.members


@dataclass(slots=True)
class _Unpacking:
    """One archive being unpacked: what came out of it so far, and how many bytes still may."""

    folder: Path
    limits: Limits
    left: int
    members: list[Member] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)
    _written: int = 0

    def add_archive(self, path: Path, name: str, prefix: str, depth: int) -> None:
        """Add every member of the archive at ``path``, called ``name``, under ``prefix``."""
        _refuse_documents(path, name)
        with open_archive(path, name) as archive:
            most = min(self.left, ceiling(path, self.limits))
            check_directory(name, archive, most, self.limits.max_members - len(self.members))
            for info in steps(archive.infolist()):
                if not info.is_dir() and not _is_dropping(info):
                    self._add(archive, info, prefix, depth)

    def _add(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, prefix: str, depth: int
    ) -> None:
        name = self._unlike_others(prefix + _shown(info))
        try:
            _check(info, name)
            path = self._write(archive, info, name)
        except FileProblem as problem:
            self.members.append(Member(name, None, problem))
            return
        if not is_archive(path, name):
            self.members.append(Member(name, path))
            return
        try:
            self._add_nested(path, name, depth)
        finally:
            path.unlink()

    def _add_nested(self, path: Path, name: str, depth: int) -> None:
        try:
            if depth >= _MAX_DEPTH:
                reason = (
                    f"The archive {name!r} is nested deeper than {_MAX_DEPTH}; unpack it first."
                )
                raise FileProblem(State.BOMB, reason)
            self.add_archive(path, name, f"{name}/", depth + 1)
        except FileProblem as problem:
            self.members.append(Member(name, None, problem))

    def _unlike_others(self, name: str) -> str:
        """``name``, numbered when the archive has another file of that name."""
        pure, count, one = PurePosixPath(name), 1, name
        while one in self._names:
            count += 1
            one = str(pure.with_name(f"{pure.stem} ({count}){pure.suffix}"))
        self._names.add(one)
        return one

    def _write(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Path:
        """The file that the member's bytes were written to."""
        self._written += 1
        path = self.folder / f"{self._written:06d}{_suffix(name)}"
        try:
            self._copy(archive, info, name, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _copy(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: Path) -> None:
        most = min(self.limits.max_bytes, self.left)
        if info.file_size > most:
            raise _too_large(name, most)
        size = 0
        with path.open("xb") as file:
            for block in _blocks(archive, info, name):
                size += len(block)
                if size > most:
                    raise _too_large(name, most)
                file.write(block)
        self.left -= size


def _refuse_documents(path: Path, name: str) -> None:
    kind = zip_kind(path, name)
    if "/" in kind:
        reason = f"The name {name!r} says zip archive, but the content is {kind}; rename the file."
        raise FileProblem(State.TYPE_MISMATCH, reason)


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """The member's bytes; only what goes wrong in reading them is the archive's fault."""
    try:
        with archive.open(info) as stream:
            while block := stream.read(_BLOCK):
                yield block
    except NotImplementedError as exc:
        reason = f"The file {name!r} is packed in a way that cannot be unpacked here ({exc}); pack it anew."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason) from exc
    except DAMAGE as exc:
        reason = f"The file {name!r} is damaged inside its archive ({exc}); get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc


def _check(info: zipfile.ZipInfo, name: str) -> None:
    parts = _parts(info)
    mode = info.external_attr >> 16
    if ".." in parts or parts[0] == "" or _DRIVE.match(parts[0]):
        reason = (
            f"The name {_decoded(info)!r} leads out of the archive, so the file was not unpacked."
        )
        raise FileProblem(State.UNSAFE_PATH, reason)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        reason = (
            f"{name!r} is a link or a device, which is not unpacked; add the file it stands for."
        )
        raise FileProblem(State.UNSAFE_PATH, reason)
    if info.flag_bits & ENCRYPTED:
        reason = f"The file {name!r} is protected by a password; add a copy without one."
        raise FileProblem(State.ENCRYPTED, reason)


def _is_encrypted(member: Member) -> bool:
    return member.problem is not None and member.problem.state == State.ENCRYPTED


def _is_dropping(info: zipfile.ZipInfo) -> bool:
    """Whether a walk over folders would pass over this file."""
    *folders, name = _parts(info)
    hidden = any(part.startswith(".") and part not in (".", "..") for part in folders)
    return hidden or not _DROPPINGS.isdisjoint((*folders, name))


def _parts(info: zipfile.ZipInfo) -> list[str]:
    """The member's path; Windows programs part it with backslashes."""
    return _decoded(info).replace("\\", "/").split("/")


def _decoded(info: zipfile.ZipInfo) -> str:
    """The member's name. Without the flag that says UTF-8 it should be in code page 437, yet is
    UTF-8 more often than not.
    """
    if info.flag_bits & _NAME_IS_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _shown(info: zipfile.ZipInfo) -> str:
    """The member's name as it can be stored and printed, leading nowhere."""
    parts = [part for part in _parts(info) if part not in ("", ".", "..")]
    name = "/".join(parts) or "unnamed"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix[:_MAX_SUFFIX]


def _too_large(name: str, most: int) -> FileProblem:
    reason = f"The file {name!r} has more than the {most:,} bytes that may be unpacked."
    return FileProblem(State.TOO_LARGE, reason)
