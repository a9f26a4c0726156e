"""Which files an ingestion is about: walks folders, enters nothing through a link, opens no document.

Whatever is found comes back as a ``Source``, readable or not, so that the pipeline can give each a named state.
Passed over without a word are hidden folders and the droppings of desktops and editors; what the person's patterns
leave out is counted. A link is never followed: one that leads to a file inside the same folder is passed over, since
that file is there under its own name, and any other link is a source with a problem.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from corpus.errors import FileProblem, NotFound, UserError
from corpus.records import State
from ingest.filenames import is_dropping, paired, printable
from ingest.ignore import Ignored, Rules
from ingest.opening import open_folder, open_inside, read_problems

__all__ = ["Found", "Source", "find", "find_sources", "roots_of"]

MAX_DEPTH = 400  # folders in folders; deeper ones are named, not entered
_MAX_IGNORE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file to ingest.

    Attributes:
        name: identifies it in the catalog.
        path: where its bytes are, below ``root``.
        root: the folder it was found under.
        problem: what keeps it from being read, if that is known already.
        sidecars: files beside it that hold its metadata.
        archive: name of the archive it was taken out of, if it was.
    """

    name: str
    path: Path
    root: Path
    problem: FileProblem | None = None
    sidecars: tuple[Path, ...] = ()
    archive: str = ""


@dataclass(slots=True)
class Found:
    """What a walk came upon: sources by name, how many files the patterns left out, folders that could not be read."""

    by_name: dict[str, Source] = field(default_factory=dict)
    ignored: int = 0
    unread: list[str] = field(default_factory=list)

    @property
    def sources(self) -> list[Source]:
        return [self.by_name[name] for name in sorted(self.by_name)]

    def add(self, source: Source) -> None:
        same = self.by_name.setdefault(source.name, source)
        if same.path != source.path:  # two names that are no UTF-8 can look the same
            self.add(replace(source, name=f"{source.name}\\"))


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Every file at or below ``paths``, each once, sorted by name.

    Raises:
        NotFound: one of ``paths`` does not exist.
    """
    return find(paths).sources


def find(
    paths: Sequence[Path], rules: Rules | None = None, within: Iterable[Path] | None = None
) -> Found:
    """Every file at or below ``paths`` that ``rules`` want.

    Args:
        within: look only at these files and folders; ``None``: at everything.

    Raises:
        NotFound: one of ``paths`` does not exist.
    """
    found = Found()
    scope = None if within is None else _Scope(within)
    for root in roots_of(paths):
        if root.is_dir():
            _Walk(root, rules or Rules(), scope, found).run()
        elif scope is None or scope.covers(root):
            found.add(_argument(root))
    return found


def roots_of(paths: Sequence[Path]) -> list[Path]:
    """``paths`` made absolute, with their links left as they are.

    Raises:
        NotFound: one of them does not exist.
    """
    roots = [Path(os.path.abspath(path.expanduser())) for path in paths]  # noqa: PTH100
    for path, root in zip(paths, roots, strict=True):
        if not os.path.lexists(root):
            raise NotFound(f"there is no file or folder {str(path)!r}; nothing was changed")
    return roots


class _Scope:
    """The files and folders a walk is limited to."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._targets = {str(path) for path in paths}
        self._above = {str(parent) for path in self._targets for parent in Path(path).parents}

    def covers(self, path: Path) -> bool:
        return str(path) in self._targets

    def leads_to(self, path: Path) -> bool:
        return str(path) in self._above


@dataclass(slots=True)
class _Folder:
    """A folder still to be listed; ``whole``: everything in it is wanted, not only what the scope names."""

    parts: tuple[str, ...]
    ignored: Ignored
    whole: bool
    counted_only: bool = False


@dataclass(slots=True)
class _Listing:
    """What one folder holds, by kind."""

    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)  # and pipes, sockets, devices


class _Walk:
    """One walk below one root."""

    def __init__(self, root: Path, rules: Rules, scope: _Scope | None, found: Found) -> None:
        self._root = root
        self._real = os.path.realpath(root)
        self._rules = rules
        self._scope = scope
        self._found = found

    def run(self) -> None:
        whole = self._scope is None or self._scope.covers(self._root)
        folders = [_Folder((), Ignored(), whole)]
        while folders:
            folder = folders.pop()
            try:
                with read_problems(), open_folder(self._root, folder.parts) as descriptor:
                    listing = _list(descriptor)
                    ignored = self._ignored(folder, descriptor, listing)
            except FileProblem as problem:
                self._could_not_enter(folder, problem)
                continue
            folders += self._below(folder, listing, ignored)

    def _below(self, folder: _Folder, listing: _Listing, ignored: Ignored) -> list[_Folder]:
        """Take the files of one folder; returns the folders in it that are to be entered."""
        if folder.counted_only:
            self._found.ignored += len(listing.files)
        else:
            self._take_files(folder, listing.files, ignored)
            for name in self._wanted(folder, listing.links):
                self._take_link(folder, name, ignored)
        entered = []
        for name in self._wanted(folder, listing.folders):
            parts = (*folder.parts, name)
            out = folder.counted_only or self._is_pruned("/".join(parts), ignored)
            entered.append(_Folder(parts, ignored, self._is_whole(folder, parts), out))
        return entered

    def _wanted(self, folder: _Folder, names: list[str]) -> list[str]:
        """Those of ``names`` in ``folder`` that are inside the scope or lead there."""
        if folder.whole or self._scope is None:
            return names
        here = self._root.joinpath(*folder.parts)
        scope = self._scope
        return [n for n in names if scope.covers(here / n) or scope.leads_to(here / n)]

    def _is_whole(self, folder: _Folder, parts: tuple[str, ...]) -> bool:
        inside = self._scope is not None and self._scope.covers(self._root.joinpath(*parts))
        return folder.whole or inside

    def _is_pruned(self, relative: str, ignored: Ignored) -> bool:
        return self._rules.prunes(relative) or ignored.leaves_out(relative + "/")

    def _leaves_out(self, relative: str, ignored: Ignored) -> bool:
        return self._rules.leaves_out(relative) or ignored.leaves_out(relative)

    def _take_files(self, folder: _Folder, names: list[str], ignored: Ignored) -> None:
        here = self._root.joinpath(*folder.parts)
        pairs = paired(names)
        for name in self._wanted(folder, list(pairs)):
            if self._leaves_out("/".join((*folder.parts, name)), ignored):
                self._found.ignored += 1 + len(pairs[name])
                continue
            beside = tuple(here / sidecar for sidecar in pairs[name])
            path = here / name
            self._found.add(Source(printable(path), path, self._root, sidecars=beside))

    def _take_link(self, folder: _Folder, name: str, ignored: Ignored) -> None:
        if self._leaves_out("/".join((*folder.parts, name)), ignored):
            self._found.ignored += 1
            return
        path = self._root.joinpath(*folder.parts, name)
        problem = _link_problem(path, self._real)
        if problem:
            self._found.add(Source(printable(path), path, self._root, problem))

    def _could_not_enter(self, folder: _Folder, problem: FileProblem) -> None:
        path = self._root.joinpath(*folder.parts)
        name = printable(path)
        if not folder.counted_only:
            self._found.unread.append(name)
            reason = f"the folder was not entered: {problem.reason}; what was known of it is kept"
            self._found.add(Source(name, path, self._root, FileProblem(problem.state, reason)))

    def _ignored(self, folder: _Folder, descriptor: int, listing: _Listing) -> Ignored:
        """What is left out in this folder, by its own ignore files and those above."""
        if len(folder.parts) >= MAX_DEPTH:
            raise FileProblem(State.UNREADABLE, f"it lies more than {MAX_DEPTH} folders deep")
        ignored = folder.ignored
        for name in self._rules.files:
            if name not in listing.files:
                continue
            listing.files.remove(name)
            try:
                ignored = Ignored(_lines(descriptor, name), "/".join(folder.parts), ignored)
            except (FileProblem, UserError) as exc:
                path = self._root.joinpath(*folder.parts, name)
                problem = FileProblem(State.CORRUPT, f"its patterns are not used: {exc}")
                self._found.add(Source(printable(path), path, self._root, problem))
        return ignored


def _list(descriptor: int) -> _Listing:
    listing = _Listing()
    with os.scandir(descriptor) as entries:
        for entry in entries:
            name = entry.name
            if is_dropping(name):
                continue
            if entry.is_symlink():
                listing.links.append(name)
            elif not entry.is_dir(follow_symlinks=False):
                listing.files.append(name)
            elif not name.startswith("."):
                listing.folders.append(name)
    return listing


def _lines(folder: int, name: str) -> list[str]:
    with read_problems(), open_inside(folder, name) as handle:
        data = handle.read(_MAX_IGNORE_BYTES + 1)
    if len(data) > _MAX_IGNORE_BYTES:
        raise FileProblem(State.TOO_LARGE, "it has more than 1 MiB")
    return data.decode("utf-8-sig", "surrogateescape").splitlines()


def _argument(path: Path) -> Source:
    """A file that was named itself; a link to a file beside it or below stands for that file."""
    root = path.parent
    if not path.is_symlink():
        return Source(printable(path), path, root)
    real_root = os.path.realpath(root)
    problem = _link_problem(path, real_root)
    if problem:
        return Source(printable(path), path, root, problem)
    real = root / os.path.relpath(os.path.realpath(path), real_root)
    return Source(printable(real), real, root)


def _link_problem(link: Path, real_root: str) -> FileProblem | None:
    """Why a link is not simply another name for a file below ``real_root``."""
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(real_root):
        return FileProblem(
            State.UNSAFE_PATH, "the link leads out of the folder, so it was not followed"
        )
    if target.is_symlink():
        return FileProblem(State.UNREADABLE, "the link leads round in a circle")
    if not os.path.lexists(target):
        return FileProblem(State.UNREADABLE, "the link leads to a file that is not there")
    return None
