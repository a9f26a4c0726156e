"""What helps to ask in a conversation: questions that the documents answer, and what they can be filtered by.

Everything is for one person: what they may not read is in no list. Lists are kept while the documents are the same.
Questions are looked for as soon as a run has ended, unless others are being answered: whoever asks for them a moment
later need not wait for the searches that they cost. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from agents.answering.suggestions import suggestions
from agents.people.scope import answerer_of
from agents.records.record_json import Json, passage_from_json
from agents.records.steps import Retrieved
from agents.running.asked import Asked, limits_from_json
from corpus.errors import AlcoveError, NotFound
from corpus.filters import filter_values
from corpus.identity import Person
from corpus.records import ElementKind, Passage
from retrieval.limits import Limits, Scoping

if TYPE_CHECKING:
    from agents.build import App

__all__ = ["Hints"]

_LOG = logging.getLogger(__name__)

_KEPT = 256  # lists of each kind
_VALUES = 50  # of one key
_Made = TypeVar("_Made")


class Hints:
    """Safe to use from several threads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="hints")
        self._scoping = Scoping(app.catalog)
        self._suggested = _Kept[list[str]]()
        self._filters = _Kept[dict[str, list[str]]]()

    def close(self) -> None:
        """Look for no more questions ahead of time."""
        self._ahead.shutdown(wait=True, cancel_futures=True)

    def prepare(self, thread: str) -> None:
        """Look for the questions after the last run of a thread, which has just ended; returns at once."""
        with suppress(RuntimeError):  # it is closed: the service stops
            self._ahead.submit(self._prepare, thread)

    def _prepare(self, thread: str) -> None:
        try:
            run = self._app.chats.log.last_done(thread)
            if run is not None and self._app.runs.active <= 1:  # the one that has just ended
                self.after(run)
        except AlcoveError as exc:
            _LOG.info("no questions were looked for ahead of time: %s", exc)
        except Exception:
            _LOG.exception("no questions were looked for after thread %r", thread)

    def after(self, run: str) -> list[str]:
        """Questions to ask after a run; none while it goes on.

        Raises:
            NotFound: there is no such run.
        """
        row = self._app.chats.log.run(run)
        if row["finished"] is None:
            return []
        key = (run, self._app.catalog.snapshot)
        return self._suggested.get(key, lambda: self._suggestions(row))

    def filters(self, collection: str | None, person: Person) -> dict[str, list[str]]:
        """What the documents that a person may read can be filtered by: the most frequent values of each key.

        Raises:
            NotFound: there is no such collection, or it is not for them.
        """
        at = self._app.catalog.snapshot
        within = self._scoping.collections(Limits(collection, reader=person.reader))
        database = self._app.catalog.database
        return self._filters.get((at, within), lambda: filter_values(database, at, within, _VALUES))

    def _suggestions(self, row: Json) -> list[str]:
        limits = limits_from_json(row["limits"])
        about = (row["thread"], row["question"], row["mode"], row["collection"])
        asked = Asked(*about, Person(row["owner"]), **limits)
        core = self._app.core()
        answerer = answerer_of(asked, core.answerer, core.searcher, self._app.catalog)
        questions = self._app.chats.questions(row["thread"])
        return suggestions(
            _cited_first(self._app.chats.log.events(row["id"])),
            questions,
            lambda question: answerer.answered_by(question, row["collection"]),
            self._sections,
        )

    def _sections(self, document: str) -> list[str]:
        try:
            elements = self._app.catalog.parsed(document).elements
        except NotFound:  # it was removed since
            return []
        return [element.text for element in elements if element.kind is ElementKind.TITLE]


def _cited_first(events: Sequence[Json]) -> list[Passage]:
    """The passages that a run found, those of documents that its answer cites before the others."""
    found = [event["passages"] for event in events if event["kind"] == Retrieved.kind]
    last = events[-1] if events else {}
    cited = {c["document"] for c in last.get("answer", {}).get("citations", ())}
    passages = [passage_from_json(passage) for passages in found for passage in passages]
    return sorted(passages, key=lambda passage: passage.document.id not in cited)


class _Kept(Generic[_Made]):
    """The last lists that were made."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()
        self._lock, self._making = threading.Lock(), threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        found = self._find(key)
        if found is None:
            with self._making:  # one at a time; what another has just made is there then
                found = self._find(key)
                if found is None:
                    found = make()
                    self._keep(key, found)
        return found

    def _find(self, key: Hashable) -> _Made | None:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def _keep(self, key: Hashable, made: _Made) -> None:
        with self._lock:
            self._made[key] = made
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
