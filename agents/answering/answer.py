"""Answers a question from the documents: search, decide, write, check.

The steps are always in this order: ``Retrieved`` with the passages, before anything can go wrong
with a model; then either a refusal, or ``Token`` by ``Token`` the answer; then ``Answered`` with
the checked text, citations and sentences. A model's failure ends the steps with ``Failed``, which keeps the
text there was.

Knows nothing of HTTP or of where answers are stored. Try it: ``alcove ask QUESTION``.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from agents.answering.abstain import answerability, features, refusal
from agents.answering.calibration import Calibration
from agents.answering.claims import grounded
from agents.answering.declines import is_refusal
from agents.answering.evidence import Weigher
from agents.answering.extractive import ExtractiveEngine
from agents.answering.followup import rewritten, standalone
from agents.answering.passages import gather
from agents.records.answers import Answer, Message, Written
from agents.records.protocols import Engine, Finder, Texts
from agents.records.steps import Answered, Cancelled, Failed, Retrieved, Step, Token
from agents.settings import AnswerSettings
from agents.text.fences import unfenced
from agents.text.inert import InertStream
from agents.text.thoughts import without_thoughts
from corpus import errors
from corpus.errors import InternalError, ModelError
from corpus.records import Passage, SearchResult, Span
from retrieval.protocols import Encoder
from retrieval.search import check_query

__all__ = ["Answerer"]

log = logging.getLogger(__name__)

_ANSWERED_BY_MODEL = 0.99  # of the answerable questions; a model refuses the others by itself


class Answerer:
    """Safe to use from several threads.

    Args:
        searcher: finds chunks.
        catalog: the documents' texts and elements.
        encoder: the encoder of the index.
        engine: writes the answers.
        settings: how many passages, and when to refuse in a collection without a calibration.
        calibrated: gives the calibration of a collection.
    """

    def __init__(
        self,
        searcher: Finder,
        catalog: Texts,
        encoder: Encoder,
        engine: Engine,
        settings: AnswerSettings,
        calibrated: Callable[[str], Calibration | None] = lambda collection: None,
    ) -> None:
        self._searcher, self._catalog, self._engine = searcher, catalog, engine
        self._calibrated = calibrated
        self._settings = settings
        if isinstance(engine, ExtractiveEngine):
            self._weigher = engine.weigher  # what one has weighed the other need not weigh again
        else:
            self._weigher = Weigher(encoder, catalog, settings.candidates)

    def over(self, searcher: Finder, catalog: Texts) -> Answerer:
        """The same, answering from other documents: those that one person may read, for instance."""
        other = copy.copy(self)
        other._searcher, other._catalog = searcher, catalog
        return other

    def answer(
        self, question: str, history: Sequence[Message] = (), collection: str | None = None
    ) -> Answer:
        """One whole answer.

        Raises:
            UserError: see ``steps``.
            ModelError: the language model failed.
        """
        *_, last = self.steps(question, history, collection)
        if isinstance(last, Answered):
            return last.answer
        if isinstance(last, Failed):
            raise getattr(errors, last.error)(last.message)
        raise InternalError(f"the steps of an answer ended with {last!r}")

    def steps(
        self,
        question: str,
        history: Sequence[Message] = (),
        collection: str | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Step, None, None]:
        """The steps of one answer; setting ``stop``, or closing them, ends the work at once.

        Raises:
            UserError: the question is empty or too long, or (``NotFound``) the collection unknown.
        """
        question = self._checked(question)
        return self._steps(question, history, collection, stop or threading.Event())

    def _checked(self, question: str) -> str:
        check_query(question, self._settings.question_characters)
        return question.strip()

    def _steps(
        self,
        question: str,
        history: Sequence[Message],
        collection: str | None,
        stop: threading.Event,
    ) -> Generator[Step, None, None]:
        clock = _Clock()
        asked = self._condensed(question, history, stop)
        s = self._settings
        others = self._phrasings(asked, stop)
        result = self._searcher.search(asked, s.hits, s.mode, collection, phrasings=others)
        passages = gather(result.hits, self._catalog.text, s.passages)
        clock.mark("search")
        yield Retrieved(passages, result.snapshot, dict(result.timings_ms))
        if stop.is_set():
            yield Cancelled()
            return
        score, least = self._decision(asked, passages, result)
        clock.mark("weigh")
        if score < least:
            yield Answered(replace(self._refusal(passages, clock), score=score))
            return
        with closing(self._written(question, passages, history, stop, clock)) as steps:
            for step in steps:
                yield _scored(step, score)

    def _condensed(self, question: str, history: Sequence[Message], stop: threading.Event) -> str:
        """The question to search for: in a conversation, one that stands alone."""
        if not history:
            return question
        try:
            asked = self._engine.condense(question, history, stop)
            if self._engine.name != "extractive":  # a model may reply with anything
                asked = rewritten(asked, question)
        except ModelError as exc:
            log.warning("putting the question into its context by rules: %s", exc)
            asked = ""
        asked = asked or standalone(question, history)
        return asked if len(asked) <= self._settings.question_characters else question

    def _phrasings(self, asked: str, stop: threading.Event) -> Sequence[str]:
        """The question in other words, if the settings ask for it and the engine can."""
        if not self._settings.phrasings:
            return ()
        try:
            return self._engine.rephrase(asked, self._settings.phrasings, stop)
        except ModelError as exc:
            log.warning("searching for the question alone: %s", exc)
            return ()

    def measure(self, question: str, collection: str | None = None) -> Mapping[str, float]:
        """The measures of ``agents.answering.abstain.features`` for a question: what a calibration is fitted to."""
        s = self._settings
        result = self._searcher.search(self._checked(question), s.hits, s.mode, collection)
        passages = gather(result.hits, self._catalog.text, s.passages)
        return features(self._weigher.weigh(result.query, passages), passages, result.hits)

    def answered_by(self, question: str, collection: str | None = None) -> frozenset[str]:
        """The ids of the documents whose passages answer a question, quoted as they stand; none if it is refused."""
        s = self._settings
        result = self._searcher.search(self._checked(question), s.hits, s.mode, collection)
        passages = gather(result.hits, self._catalog.text, s.passages)
        if not passages:
            return frozenset()
        measured = features(self._weigher.weigh(result.query, passages), passages, result.hits)
        calibration = self._calibrated(passages[0].document.collection)
        if calibration is None:
            sure = answerability(measured) >= s.threshold
        else:
            sure = calibration.score(measured) >= calibration.threshold
        return frozenset(p.document.id for p in passages) if sure else frozenset()

    def _decision(
        self, asked: str, passages: Sequence[Passage], result: SearchResult
    ) -> tuple[float, float]:
        """How probable an answer is, and how probable it must be to be written about.

        The collection that the best passage is from says how that is worked out: with its own
        calibration, if it has one. A language model reads better than the score does, and refuses by
        itself; it is only kept from what is clearly not in the documents.
        """
        if not passages:
            return 0.0, 1.0
        measured = features(self._weigher.weigh(asked, passages), passages, result.hits)
        calibration, s = self._calibrated(passages[0].document.collection), self._settings
        extractive = self._engine.name == "extractive"
        if calibration is None:
            return answerability(measured), s.threshold if extractive else s.threshold_model
        share = _ANSWERED_BY_MODEL
        least = calibration.threshold if extractive else calibration.threshold_for(share)
        return calibration.score(measured), least

    def _refusal(self, passages: Sequence[Passage], clock: _Clock) -> Answer:
        nearest = tuple(passages[: self._settings.nearest])
        text = refusal(nearest)
        return self._made(text, True, clock, nearest=nearest)

    def _written(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message],
        stop: threading.Event,
        clock: _Clock,
    ) -> Generator[Step, None, None]:
        """The engine's text as it comes, then the checked answer."""
        text, unseen = "", InertStream()
        try:
            pieces = self._engine.stream(question, passages, history, stop)
            with closing(pieces):
                while True:
                    try:
                        piece = unseen.feed(next(pieces))
                    except StopIteration as end:
                        written: Written = end.value
                        break
                    clock.mark("first_token")
                    if piece:
                        text += piece
                        yield Token(piece)
            if rest := unseen.rest():
                text += rest
                yield Token(rest)
        except ModelError as exc:
            log.warning("the answer broke off: %s", exc)
            yield Failed(type(exc).__name__, str(exc), without_thoughts(text))
            return
        if stop.is_set():
            yield Cancelled(without_thoughts(text))
            return
        yield Answered(self._checked_answer(without_thoughts(text), passages, written, clock))

    def _checked_answer(
        self, text: str, passages: Sequence[Passage], written: Written, clock: _Clock
    ) -> Answer:
        shown = _shown(passages, written)  # nothing else can be cited
        if is_refusal(unfenced(text)):
            refused = self._refusal(passages, clock)
            return replace(refused, usage=written.usage, shown=tuple(shown))
        similar = None if self._engine.name == "extractive" else self._weigher.similar
        read, split = self._catalog.text, self._weigher.split
        made = grounded(text, shown, read, split, similar)
        rest = {"citations": made.citations, "claims": made.claims, "usage": written.usage}
        return self._made(made.text, False, clock, **rest, shown=tuple(shown))

    def _made(self, text: str, abstained: bool, clock: _Clock, **rest: object) -> Answer:
        engine, timings = self._engine, clock.timings_ms()
        return Answer(text, abstained, engine.name, engine.model, timings_ms=timings, **rest)  # type: ignore[arg-type]


def _shown(passages: Sequence[Passage], written: Written) -> list[Passage]:
    """What the model was shown of the passages: of the first, perhaps its beginning only."""
    shown = [p for p in passages if p.number in written.shown]
    if shown and written.cut is not None:
        first, cut = shown[0], written.cut
        end = min(first.span.start + cut, first.span.end)
        shown[0] = replace(first, span=Span(first.span.start, end), text=first.text[:cut])
    return shown


def _scored(step: Step, score: float) -> Step:
    return Answered(replace(step.answer, score=score)) if isinstance(step, Answered) else step


class _Clock:
    """Milliseconds since the question came in, at each first mark."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._marks: dict[str, float] = {}

    def mark(self, name: str) -> None:
        self._marks.setdefault(name, self._now())

    def timings_ms(self) -> dict[str, float]:
        return {**self._marks, "total": self._now()}

    def _now(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 1)
