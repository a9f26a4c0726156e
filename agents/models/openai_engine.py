"""Answers written by a language model behind an OpenAI-compatible server, streamed.

Deadlines of its own for connecting, the first piece of text, the gap between two pieces and the
whole reply; at most one retry, and only before the first piece; a server that cannot be reached is
left alone for a while. The prompt is fitted to the model's window, and once more if the server says
that it is too long. Closing the stream, or setting its ``stop``, closes the connection, which is how
these servers learn that they can stop.

Knows nothing of search or of checking citations. Try it: ``alcove ask --engine openai QUESTION``.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from agents.models.breaker import Breaker
from agents.models.bridge import iterate
from agents.models.chat_model import (
    ContextTooLong,
    import_client,
    make_chat_model,
    transport,
)
from agents.models.discover import UNREADABLE, ask_server, fetch_json
from agents.models.exchange import Exchange
from agents.models.fitting import AROUND, Fitted, fit, fit_history, fit_passages, reply_tokens
from agents.models.model_facts import Facts
from agents.models.structured import Misfit, response_format, structured
from agents.prompts import Role, answer_messages, condense_messages, rephrase_messages
from agents.records.answers import Message, Usage, Written
from agents.settings import LLMSettings
from agents.text.fences import Fence
from agents.text.thoughts import ThoughtFilter, without_thoughts
from corpus.errors import InternalError, ModelBroke, ModelUnavailable
from corpus.records import Passage

__all__ = ["OpenAIEngine"]

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
_LIFE_S = 1.0  # for a list of models, which a server that can answer gives at once
_CONDENSE_TOKENS = 128
_REPHRASE_TOKENS = 256
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")  # that models put before lines, asked or not


class OpenAIEngine:
    """An ``agents.records.protocols.Engine`` on a language model server.

    Args:
        settings: deadlines, lengths and the key.
        url: base URL that ends in ``/v1``.
        model: the name the server gives the model; empty: the first it lists when it is first used.
        label: what a person is told it is, e.g. ``"vLLM on port 8000"``.
    """

    name = "openai"

    def __init__(self, settings: LLMSettings, url: str, model: str, label: str = "") -> None:
        self.settings, self.url, self.model = settings, url, model
        self.label = label or f"{model} at {url}"
        self.breaker = Breaker(url, settings.breaker_failures, settings.breaker_s)
        key = settings.api_key.get_secret_value()
        self.facts = Facts(url, key, settings.context_tokens)
        import_client()  # seconds, the first time: at start-up, where no deadline runs

    def stream(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Generator[str, None, Written]:
        """Pieces of a grounded answer; see ``agents.records.protocols.Engine``."""
        self.know_model()
        fitted = self._fitted(question, passages, history)
        try:
            return (yield from self._answer(question, fitted, stop))
        except ContextTooLong as exc:  # raised before the first piece: nothing was shown yet
            log.info("fitting the prompt anew: %s", exc)
            self.facts.narrow(exc.window, exc.prompt_tokens, fitted.tokens)
        fitted = self._fitted(question, passages, history)
        try:
            return (yield from self._answer(question, fitted, stop))
        except ContextTooLong as exc:
            raise ModelUnavailable(str(exc)) from exc

    def _fitted(
        self, question: str, passages: Sequence[Passage], history: Sequence[Message]
    ) -> Fitted:
        """What fits into the window beside the rules, the question and the reply."""
        s, facts, fence = self.settings, self.facts, Fence()
        bare = answer_messages(question, (), ())
        room = self.room()
        some = fit_passages(passages, s.passage_characters)
        for exactly in (False, True):  # counting takes requests: only when the estimate is close

            def count(text: str, exactly: bool = exactly) -> int:
                return facts.count(text, self.model, exactly=exactly)

            fixed = sum(count(text) + AROUND for _, text in bare)
            fitted = fit(some, self._recent(history), room - fixed, count, fence.passage)
            if fitted.whole(some, self._recent(history)):
                break
        return replace(fitted, tokens=fitted.tokens + fixed)

    def _reply_tokens(self) -> int:
        return reply_tokens(self.facts.window(self.model), self.settings.max_tokens)

    def _answer(
        self, question: str, fitted: Fitted, stop: threading.Event | None
    ) -> Generator[str, None, Written]:
        messages = answer_messages(question, fitted.passages, fitted.history)
        length, limit = self._reply_tokens(), self.settings.total_s
        usage = yield from self._pieces(messages, length, limit, stop)
        self.facts.learn(fitted.tokens, usage.prompt_tokens)
        cut = [len(p.text) for p in fitted.passages[:1] if len(p.text) < len(p.span)]
        return Written(usage, tuple(p.number for p in fitted.passages), *cut)

    def structured(
        self, messages: Sequence[Role], schema: type[M], stop: threading.Event | None = None
    ) -> M:
        """The model's reply to ``messages`` as ``schema``; see ``agents.models.structured``.

        Raises:
            ModelBroke: it does not fit, and neither did the model's second try.
            ModelError: the server failed.
        """
        self.know_model()
        length, limit = self._reply_tokens(), self.settings.total_s

        def say(asked: list[Role]) -> str:
            body = response_format(schema) if self.facts.takes_schema else {}
            return "".join(self._pieces(asked, length, limit, stop, body))

        for _ in range(2):
            known = self.facts.takes_schema
            try:
                return structured(messages, schema, say, spell_out=not known)
            except Misfit as exc:
                raise ModelBroke(
                    f"{self.model!r} at {self.url!r} did not reply in the form that was asked for"
                    f" ({exc}); ask again, or use another model"
                ) from exc
            except ModelUnavailable as exc:
                if isinstance(exc, ContextTooLong):
                    raise ModelUnavailable(str(exc)) from exc
                if not known or "response_format" not in str(exc.__cause__):
                    raise
                self.facts.takes_schema = False
        raise InternalError("a server was asked twice and did neither reply nor refuse")

    def condense(
        self, question: str, history: Sequence[Message], stop: threading.Event | None = None
    ) -> str:
        """The question as the model rewrites it to stand alone; see ``agents.records.protocols.Engine``."""
        self._require_life()
        messages = condense_messages(question, self._recent(history))
        limit = self.settings.condense_s  # nothing can be shown before it, so it may not take long
        pieces = self._pieces(messages, _CONDENSE_TOKENS, limit, stop)
        text = without_thoughts("".join(pieces))
        return " ".join(text.split()) or question

    def rephrase(
        self, question: str, count: int, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """Other phrasings by the model; see ``agents.records.protocols.Engine``."""
        self._require_life()
        messages = rephrase_messages(question, count)
        pieces = self._pieces(messages, _REPHRASE_TOKENS, self.settings.condense_s, stop)
        lines = without_thoughts("".join(pieces)).splitlines()
        said = (_NUMBERING.sub("", line).strip() for line in lines)
        return [phrasing for phrasing in said if phrasing][:count]

    def reply(
        self,
        messages: Sequence[Role],
        most_tokens: int,
        total_s: float,
        stop: threading.Event | None = None,
    ) -> str:
        """The model's whole reply to ``messages``; setting ``stop`` ends it early, with what there is.

        Raises:
            ModelError: the server failed.
        """
        limit = min(total_s, self.settings.total_s)
        return without_thoughts("".join(self._pieces(messages, most_tokens, limit, stop)))

    def know_model(self) -> None:
        """Ask the server for its model's name, if nobody has said it.

        Raises:
            ModelUnavailable: the server does not answer, or did not several times in a row.
        """
        self.breaker.check()
        if self.model:
            return
        key = self.settings.api_key.get_secret_value()
        server = ask_server(self.url, self.settings.connect_s, key)
        if server is None:
            raise ModelUnavailable(
                f"the language model server at {self.url!r} does not list its models; start it, "
                "check that the URL ends in /v1, or set llm.model"
            )
        self.model = server.model

    def _require_life(self) -> None:
        """Raises ``ModelUnavailable`` soon if nobody is there: passages must not wait for a dead server."""
        self.breaker.enter()
        try:
            fetch_json(f"{self.url}/models", _LIFE_S, self.settings.api_key.get_secret_value())
        except (ConnectionError, TimeoutError) as exc:
            self.breaker.failed()
            raise ModelUnavailable(
                f"the language model server at {self.url!r} cannot be reached; start it, or set"
                " llm.url to where it is"
            ) from exc
        except UNREADABLE as exc:
            log.debug("%s answers, if not with its models: %r", self.url, exc)
        self.breaker.reached()

    def room(self) -> int:
        """Tokens of the model's window that a reply leaves to the prompt."""
        return self.facts.window(self.model) - self._reply_tokens()

    def transport(self) -> Any:
        """An HTTP client for one stream, which minds this server's breaker."""
        return transport(self.settings, self.url, self.breaker)

    def chat_model(self, http: Any, **options: Any) -> Any:
        """The LangChain model, over ``http`` of ``transport()``."""
        return make_chat_model(self.settings, self.url, self.model, http, self.facts, **options)

    def _recent(self, history: Sequence[Message]) -> Sequence[Message]:
        s = self.settings
        return fit_history(history, s.history_messages, s.history_characters)

    def _pieces(
        self,
        messages: Sequence[Role],
        max_tokens: int,
        total_s: float,
        stop: threading.Event | None,
        body: Mapping[str, Any] | None = None,
    ) -> Generator[str, None, Usage]:
        """Text without thoughts, then the usage. An answer of nothing at all is a broken one."""
        self.know_model()
        exchange = Exchange(self, list(messages), max_tokens, total_s, dict(body or {}))
        thoughts, empty, usage = ThoughtFilter(), True, Usage()
        for piece in iterate(exchange.pieces, stop):
            if isinstance(piece, Usage):
                usage = piece
            elif shown := thoughts.feed(piece):
                empty = False
                yield shown
        if rest := thoughts.rest():
            yield rest
        elif empty and not (stop and stop.is_set()):
            raise ModelBroke(f"{self.model!r} at {self.url!r} sent no text; ask again")
        return usage
