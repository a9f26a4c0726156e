"""The composition root: the one place where settings become live objects.

``build`` is quick; what needs the encoder (its libraries take seconds to import) is made when it is
first asked for, or in the background once ``App.start`` was called. One home has one service.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, TypeAlias

from agents.acting.toolbox import Toolbox
from agents.chats.retelling import Retelling
from agents.finder import Finder, batching
from agents.job_settings import job_settings
from agents.measuring.evaluations import Evaluations
from agents.models.untraced import forget_tracing
from agents.people.identity import Users
from agents.people.scope import answerer_for
from agents.records.steps import Step
from agents.responding import steps_for
from agents.running.asked import Asked
from agents.running.decisions import Decisions
from agents.running.runs import Runs
from agents.running.sweeping import Sweeping
from agents.service_lock import service_lock
from agents.settings import Settings
from agents.store.memory import Chats
from agents.suggesting import Hints
from corpus.catalog import Catalog
from corpus.errors import AlcoveError
from corpus.home import Home
from corpus.identity import OWNER, Person
from ingest.jobs import JobQueue
from ingest.watched_folders import WatchedFolders
from retrieval.spaces import Encoders, Load, load_for
from serving.watch.state import shed_reason

if TYPE_CHECKING:
    from agents.acting.loop import Agent
    from agents.answering.answer import Answerer
    from agents.records.protocols import Engine
    from ingest.pipeline import Pipeline
    from ingest.protocols import Tokenizer
    from ingest.writer import Writer
    from retrieval.protocols import Encoder
    from retrieval.search import Searcher

__all__ = ["App", "Core", "Finder", "Observer", "build"]

_LOG = logging.getLogger(__name__)
_LOOK_AGAIN_S = 10.0
_LOADING = "the encoder is being loaded"

Observer: TypeAlias = Callable[[str, Mapping[str, float]], None]
"""Is told of a search: its mode, and how long each of its stages took (ms)."""


@dataclass(frozen=True, slots=True)
class Core:
    """What answers are made with; ``note`` says why this encoder was taken."""

    encoder: Encoder
    searcher: Searcher
    engine: Engine
    answerer: Answerer
    agent: Agent | None
    note: str


class App:
    """Everything a service or a command works with.

    Args:
        settings: all of them.
        load_encoder: gives the encoder of a space; called when needed.
    """

    def __init__(self, settings: Settings, load_encoder: Load) -> None:
        self.settings = settings
        self.home = Home(settings.corpus.home)
        self.users = Users(self.home)
        self.catalog = Catalog(self.home)
        self.chats = Chats(self.home, lambda: self._core.encoder if self._core else None)
        self.toolbox = Toolbox(settings.web, settings.mcp)
        self.jobs = JobQueue(self.home, self.catalog, job_settings(settings))
        self.folders = WatchedFolders(self.catalog, self.jobs)
        self.evaluations = Evaluations(self.home)
        service = settings.service
        self.runs = Runs(
            *(self.chats.log, self.respond, self.catalog.text, self.chats.approvals),
            *(service.workers, service.waiting),
            shed=lambda: shed_reason(self.home.root),
        )
        self.decisions = Decisions(self.chats.approvals, self.runs, self.toolbox.tools)
        self.sweeping = Sweeping(self.chats.deleting, self.runs)
        self.retelling = Retelling(
            self.chats, lambda: self._core and self._core.engine, lambda: self.runs.active > 0
        )
        self.hints = Hints(self)
        ended = (self.retelling.later, self.hints.prepare)
        self.chats.log.after = lambda thread: [tell(thread) for tell in ended]
        self._load_encoder = load_encoder
        self._finder: Finder | None = None
        self._core: Core | None = None
        self._problem: AlcoveError | None = None
        self._loading = threading.RLock()
        self._looked = 0.0
        self._loader: threading.Thread | None = None
        self._service_lock: IO[str] | None = None
        self.observers: list[Observer] = []
        """Told of every search; to be added to before the first one."""

    def start(self) -> None:
        """Become the home's service: close what a killed one left, take up jobs, load models.

        Raises:
            Conflict: the home already has a service.
        """
        self._service_lock = service_lock(self.home)
        self.chats.log.close_interrupted(self.catalog.text)
        self.runs.take_up()
        self.sweeping.start()
        self.decisions.start()
        self.retelling.start()
        self.jobs.start()
        self.folders.start()
        self.evaluations.start()
        self._loader = threading.Thread(target=self._load_in_background, name="loader", daemon=True)
        self._loader.start()

    def close(self) -> None:
        """Interrupt runs, stop jobs and close the databases."""
        self.sweeping.close()
        self.decisions.close()
        self.retelling.close()
        self.runs.close()
        self.folders.close()
        self.hints.close()
        self.jobs.close()
        self.evaluations.close()
        self.chats.close()
        self.catalog.close()
        self.toolbox.close()
        if self._service_lock is not None:
            self._service_lock.close()

    def finder(self) -> Finder:
        """The encoder and the search, loaded now if they are not yet; no language model is looked for.

        Raises:
            AlcoveError: what stands in the way of loading them; tried again the next time.
        """
        with self._loading:
            if self._finder is None:
                from retrieval.search import Searcher

                encoders = Encoders(self.home, batching(self._load_encoder))
                encoder, settings = encoders.current(), self.settings.retrieval
                searcher = Searcher(
                    self.home, self.catalog, encoder, settings, self._observe, encoders.of
                )
                self._finder = Finder(searcher, encoders)
            return self._finder

    def core(self) -> Core:
        """The live core, loaded now if it is not yet, with the encoder that the index has now.

        Raises:
            AlcoveError: what stands in the way of loading it; tried again the next time.
        """
        with self._loading:
            if self._core is None or self._core.encoder is not self.finder().encoder:
                try:
                    finder = self.finder()
                    engine = _make_engine(self.settings, finder.encoder, self.catalog)
                    self._core = self._assembled(finder, engine)
                    self._looked = time.monotonic()
                except AlcoveError as exc:
                    self._problem = exc
                    raise
            return self._core

    def readiness(self) -> str:
        """Empty when questions can be answered, else what is still missing or damaged."""
        if self._core is None:
            return str(self._problem) if self._problem else _LOADING
        if self.starting():
            return _LOADING
        try:
            self._core.searcher.reader()
        except AlcoveError as exc:
            return str(exc)
        return ""

    def starting(self) -> str:
        """What a search would wait for while models and index are being loaded, else empty."""
        return _LOADING if self._loader is not None and self._loader.is_alive() else ""

    def loaded(self) -> Core | None:
        """The core if it is there; looks again for a model server that came or went by itself."""
        core = self._core and self.core()
        if core is not None and self._may_look_again():
            self._looked = time.monotonic()
            engine, old = _make_engine(self.settings, core.encoder, self.catalog), core.engine
            if (engine.name, engine.url, engine.model) != (old.name, old.url, old.model):
                core = self._core = self._assembled(self.finder(), engine)
        return core

    def respond(self, asked: Asked, stop: threading.Event) -> Iterator[Step]:
        """The steps that answer a question in a thread: a command's, the agent's or an answer's."""
        return steps_for(self, asked, stop)

    def answerer(self, person: Person) -> Answerer:
        """What answers from the documents that a person may read."""
        core = self.core()
        return answerer_for(person, core.answerer, core.searcher, self.catalog)

    def pipeline(self) -> Pipeline:
        """Ingestion into this home, in this process; the caller closes it."""
        from ingest.pipeline import Pipeline

        settings, finder = self.settings, self.finder()
        about = (settings.ingest, settings.corpus, settings.retrieval.dense)
        return Pipeline(self.home, self.catalog, finder.encoder, *about, finder.encoders.of)

    def writer(self) -> Writer:
        """What repairs and compacts this home's indexes; the caller closes it."""
        from ingest.writer import Writer

        corpus, dense = self.settings.corpus, self.settings.retrieval.dense
        return Writer(self.home, self.catalog, self.finder().encoder, corpus, dense)

    def remove_documents(
        self, documents: Sequence[str], person: Person = OWNER, undo_s: float = 0
    ) -> int:
        """As ``Pipeline.remove``, for a person."""
        with closing(self.pipeline()) as pipeline:
            snapshot = pipeline.remove(documents, undo_s=undo_s)
        self.chats.audit(person, "document.deleted", {"documents": list(documents)})
        self.finder().searcher.reader(patience_s=None)  # no search from now on finds them
        return snapshot

    def restore_document(self, document: str, person: Person = OWNER) -> int:
        """As ``Pipeline.restore``, for a person."""
        with closing(self.pipeline()) as pipeline:
            snapshot = pipeline.restore(document)
        self.chats.audit(person, "document.restored", {"documents": [document]})
        self.finder().searcher.reader(patience_s=None)
        return snapshot

    def tokenizer(self) -> Tokenizer | None:
        """Counts tokens as the encoder of the index does; ``None`` while that is being loaded."""
        return None if self._finder is None else self._finder.encoder.count_tokens

    def _assembled(self, finder: Finder, engine: Engine) -> Core:
        from agents.acting.loop import Agent
        from agents.answering.answer import Answerer
        from agents.answering.calibrated import Calibrated
        from agents.models.openai_engine import OpenAIEngine

        encoder, searcher, settings = finder.encoder, finder.searcher, self.settings
        calibrated = Calibrated(self.catalog, encoder.fingerprint.key)
        answerer = Answerer(searcher, self.catalog, encoder, engine, settings.answer, calibrated)
        agent = None
        if isinstance(engine, OpenAIEngine):
            tools, approvals = self.toolbox.tools(), self.chats.approvals
            agent = Agent(engine, self.home.chats, settings.agent, tools, approvals=approvals)
        return Core(encoder, searcher, engine, answerer, agent, finder.note)

    def _load_in_background(self) -> None:
        from retrieval.encoder import warm_up

        try:
            core = self.core()
            core.searcher.reader(patience_s=None)
            warm_up(core.encoder)
        except AlcoveError as exc:
            _LOG.error("not ready: %s", exc)

    def _observe(self, mode: str, timings_ms: Mapping[str, float]) -> None:
        for observe in self.observers:
            observe(mode, timings_ms)

    def _may_look_again(self) -> bool:
        """Only an engine nobody named may be exchanged for another behind the person's back."""
        llm = self.settings.llm
        by_itself = llm.engine == "auto" and llm.discover and not llm.url
        return by_itself and time.monotonic() - self._looked > _LOOK_AGAIN_S


def build(settings: Settings, load_encoder: Load | None = None) -> App:
    """All live objects for ``settings``.

    Args:
        settings: all of them.
        load_encoder: gives the encoder of a space; ``None``: as the settings say.

    Raises:
        OperatorError: the home cannot be used.
    """
    forget_tracing(os.environ)
    return App(settings, load_encoder or partial(load_for, settings.embedding))


def _make_engine(settings: Settings, encoder: Encoder, catalog: Catalog) -> Engine:
    from agents.answering.engines import Parts, make_engine

    return make_engine(settings.llm.engine, Parts(settings.llm, settings.answer, encoder, catalog))
