"""Keeps a collection equal to folders while they change: ``Watcher(pipeline, paths, …).run()``.

Watching begins before the first whole synchronisation, so that no change falls between. After it only changed paths
are looked at, a burst of changes at once. Everything is looked at again when that cannot be trusted: after very many
changes (the system's queue may have overflowed), after an error, and when a watched folder itself was replaced. A
watched path that is gone is waited for; what is known of it is kept meanwhile, since a disk may be unplugged.

Changes made by other machines on a network folder are not reported by operating systems, hence not seen here.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from corpus.errors import NotFound, OperatorError
from ingest.discover import roots_of
from ingest.filenames import SIDECAR_SUFFIXES, is_passed_over
from ingest.ignore import ALCOVEIGNORE, GITIGNORE
from ingest.report import Report
from ingest.run import Listener

__all__ = ["Watcher"]

STEP_MS = 200  # changes are handled after so long without another one,
DEBOUNCE_MS = 1000  # or after so long in any case
TICK_MS = 500  # between looks at whether the watched paths are still the same
MAX_CHANGES = 2000  # paths above which everything is looked at
RETRY_S = 10.0  # after an error of the machine


class Follows(Protocol):
    """What makes a collection equal to the paths: ``ingest.pipeline.Pipeline``, or jobs that let one do it."""

    def sync(
        self,
        paths: Sequence[Path],
        collection: str,
        listen: Listener | None = None,
        *,
        retry: bool = True,
        wait: bool = False,
    ) -> Report:
        """As ``Pipeline.sync``."""
        ...

    def follow(self, paths: Sequence[Path], changed: Sequence[Path], collection: str) -> Report:
        """As ``Pipeline.follow``."""
        ...


Identities = dict[Path, tuple[int, ...]]


class Watcher:
    """Follows ``paths`` for one collection.

    Args:
        done: called with the report of the first synchronisation, and of each that changed something.
        say: called with a sentence when something stands in the way, or no longer does.
        stop: ends ``run`` once it is set.
        listen: told how far the first synchronisation is.

    Raises (``run``):
        NotFound: a path does not exist at the start. UserError: a bad collection name.
        OperatorError: the first synchronisation failed, or the system refuses to watch.
    """

    def __init__(
        self,
        pipeline: Follows,
        paths: Sequence[Path],
        collection: str,
        done: Callable[[Report], None],
        say: Callable[[str], None],
        stop: threading.Event | None = None,
        listen: Listener | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._roots = roots_of(paths)
        self._collection = collection
        self._done = done
        self._say = say
        self._stop = stop or threading.Event()
        self._listen = listen
        self._is_first = True
        self._is_due = True  # everything must be looked at, not before ``_not_before``
        self._not_before = 0.0
        self._absent: set[Path] = set()
        self.problem = ""
        """What stands in the way now, in a sentence; empty: nothing does."""

    def run(self) -> None:
        """Follow until told to stop."""
        while not self._stop.is_set():
            before = {root: _identity(root) for root in self._roots}
            with closing(self._changes()) as rounds:
                for changed in rounds:
                    now = {root: _identity(root) for root in self._roots}
                    self._note_absent(now)
                    if _replaced_folders(before, now):  # nothing is known of what the changes mean
                        self._is_due = True
                        break
                    self._handle(changed | _changed_files(before, now))
                    before = now

    def _changes(self) -> Generator[set[Path]]:
        """Paths that changed, again and again; an empty set now and then without changes."""
        folders = [str(root) for root in self._roots if root.is_dir()]
        if not folders:
            while not self._stop.wait(TICK_MS / 1000):
                yield set()
            return
        yield from self._watched(folders)

    def _watched(self, folders: Sequence[str]) -> Generator[set[Path]]:
        from watchfiles import watch

        rounds = watch(
            *folders,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            stop_event=self._stop,
            ignore_permission_denied=True,
        )
        try:
            for changes in rounds:
                yield {Path(path) for _, path in changes}
        except FileNotFoundError:
            return  # gone between two looks; ``run`` looks again
        except OSError as exc:
            raise OperatorError(
                f"the folders cannot be watched ({exc}); raise fs.inotify.max_user_watches, or "
                "run the same command without --watch from time to time"
            ) from exc

    def _handle(self, changed: set[Path]) -> None:
        if len(changed) > MAX_CHANGES:
            self._is_due = True
        if self._is_due:
            self._look_at_everything()
        elif changed:
            there = [root for root in self._roots if root not in self._absent]
            affected = self._affected(changed)
            if affected and there:
                self._attempt(lambda: self._pipeline.follow(there, affected, self._collection))

    def _look_at_everything(self) -> None:
        if self._absent or time.monotonic() < self._not_before:
            return  # the next round comes soon
        self._is_due = False
        retry = self._is_first  # later only when somebody asks for it
        listen = self._listen if self._is_first else None
        self._attempt(
            lambda: self._pipeline.sync(
                self._roots, self._collection, listen, retry=retry, wait=True
            )
        )

    def _attempt(self, work: Callable[[], Report]) -> None:
        try:
            report = work()
        except (NotFound, OperatorError) as exc:
            if self._is_first:
                raise
            self._is_due, self._not_before = True, time.monotonic() + RETRY_S
            self.problem = str(exc)
            if not isinstance(exc, NotFound):  # which ``_note_absent`` tells in better words
                self._say(f"{exc}; trying again in {RETRY_S:.0f} seconds")
            return
        self.problem = ""
        if self._is_first or report.tells_something:
            self._done(report)
        self._is_first = False

    def _affected(self, changed: Iterable[Path]) -> list[Path]:
        """What to look at: the changed paths, what their being there means for others, a folder for its patterns."""
        affected: set[Path] = set()
        for path in changed:
            around = [root for root in self._roots if path.is_relative_to(root)]
            if around and all(is_passed_over(path, root) for root in around):
                continue
            if path.name in (ALCOVEIGNORE, GITIGNORE):
                affected.add(path.parent)
            affected.add(path)
            for suffix in SIDECAR_SUFFIXES:
                affected.add(path.with_name(path.name + suffix))
                if path.name.endswith(suffix) and path.name != suffix:
                    affected.add(path.with_name(path.name.removesuffix(suffix)))
        return sorted(affected)

    def _note_absent(self, now: Identities) -> None:
        absent = {root for root, identity in now.items() if not identity}
        for root in sorted(absent - self._absent):
            self.problem = f"{str(root)!r} is gone; its documents are kept until it is back"
            self._say(self.problem)
        for root in sorted(self._absent - absent):
            self._say(f"{str(root)!r} is back")
            self._is_due = True
        self._absent = absent


def _identity(root: Path) -> tuple[int, ...]:
    """What tells a folder from another at its place, and a file from itself after a change; empty: not there."""
    try:
        info = root.stat()
    except OSError:
        return ()
    if stat.S_ISDIR(info.st_mode):
        return (info.st_dev, info.st_ino)
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


def _replaced_folders(before: Identities, now: Identities) -> bool:
    """Whether a folder is no longer the one that is watched, or one came to be."""
    return any(before[r] != now[r] and 2 in (len(before[r]), len(now[r])) for r in now)


def _changed_files(before: Identities, now: Identities) -> set[Path]:
    return {r for r in now if before[r] != now[r] and len(now[r]) == 4}
