"""Answers written by a language model behind an OpenAI-compatible server, streamed.

Deadlines of its own for connecting, the first piece of text, the gap between two pieces and the
whole reply; at most one retry, and only before the first piece. Closing the stream, or setting
its ``stop``, closes the connection, which is how these servers learn that they can stop.

Knows nothing of search or of checking citations. Try it: ``alcove ask --engine openai QUESTION``.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing
from typing import Any

from agents.answers import Message, Written
from agents.bridge import iterate
from agents.chat_model import import_client, make_chat_model, may_pass, model_error, transport
from agents.discover import ask_server
from agents.prompts import (
    Role,
    answer_messages,
    condense_messages,
    fit_history,
    fit_passages,
    rephrase_messages,
)
from agents.settings import LLMSettings
from agents.thoughts import ThoughtFilter, without_thoughts
from corpus.errors import ModelBroke, ModelTimeout, ModelUnavailable
from corpus.records import Passage

__all__ = ["OpenAIEngine"]

_RETRY_AFTER_S = 0.3
_CONDENSE_TOKENS = 128
_REPHRASE_TOKENS = 256
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")  # that models put before lines, asked or not


class OpenAIEngine:
    """An ``agents.protocols.Engine`` on a language model server.

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
        import_client()  # seconds, the first time: at start-up, where no deadline runs

    def stream(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Generator[str, None, Written]:
        """Pieces of a grounded answer; see ``agents.protocols.Engine``."""
        fitted = fit_passages(passages, self.settings.passage_characters)
        messages = answer_messages(question, fitted, self._recent(history))
        yield from self._pieces(messages, self.settings.max_tokens, self.settings.total_s, stop)
        return Written(shown=tuple(p.number for p in fitted))

    def condense(
        self, question: str, history: Sequence[Message], stop: threading.Event | None = None
    ) -> str:
        """The question as the model rewrites it to stand alone; see ``agents.protocols.Engine``."""
        messages = condense_messages(question, self._recent(history))
        limit = self.settings.condense_s  # nothing can be shown before it, so it may not take long
        pieces = self._pieces(messages, _CONDENSE_TOKENS, limit, stop)
        text = without_thoughts("".join(pieces))
        return " ".join(text.split()) or question

    def rephrase(
        self, question: str, count: int, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """Other phrasings by the model; see ``agents.protocols.Engine``."""
        messages = rephrase_messages(question, count)
        pieces = self._pieces(messages, _REPHRASE_TOKENS, self.settings.condense_s, stop)
        lines = without_thoughts("".join(pieces)).splitlines()
        said = (_NUMBERING.sub("", line).strip() for line in lines)
        return [phrasing for phrasing in said if phrasing][:count]

    def know_model(self) -> None:
        """Ask the server for its model's name, if nobody has said it.

        Raises:
            ModelUnavailable: the server does not answer.
        """
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

    def _recent(self, history: Sequence[Message]) -> Sequence[Message]:
        s = self.settings
        return fit_history(history, s.history_messages, s.history_characters)

    def _pieces(
        self, messages: list[Role], max_tokens: int, total_s: float, stop: threading.Event | None
    ) -> Generator[str, None, None]:
        """Text without thoughts. An answer of nothing at all is a broken one."""
        self.know_model()
        thoughts, empty = ThoughtFilter(), True
        for piece in iterate(lambda: self._retried(messages, max_tokens, total_s), stop):
            if shown := thoughts.feed(piece):
                empty = False
                yield shown
        if rest := thoughts.rest():
            yield rest
        elif empty and not (stop and stop.is_set()):
            raise ModelBroke(f"{self.model!r} at {self.url!r} sent no text; ask again")

    async def _retried(
        self, messages: list[Role], max_tokens: int, total_s: float
    ) -> AsyncGenerator[str, None]:
        """The reply, every failure as one of our errors; asked once more if nothing had come."""
        for last in (False, True):
            started = False
            try:
                async with aclosing(self._timed(messages, max_tokens, total_s)) as pieces:
                    async for piece in pieces:
                        started = True
                        yield piece
                return
            except Exception as exc:
                error = model_error(exc, self.url, self.model)
                if error is None:
                    raise
                if started and isinstance(error, ModelUnavailable):
                    raise self._cut() from exc
                if last or started or not may_pass(exc):
                    raise error from exc.__cause__ if error is exc else exc
                await asyncio.sleep(_RETRY_AFTER_S)

    async def _timed(
        self, messages: list[Role], max_tokens: int, total_s: float
    ) -> AsyncGenerator[str, None]:
        """The reply under its deadlines; raises ``ModelTimeout`` that names the one that passed."""
        s = self.settings
        end = time.monotonic() + total_s
        what, limit = "its first word", s.first_token_s
        async with aclosing(self._chunks(messages, max_tokens)) as chunks:
            deadline = time.monotonic() + limit
            while True:
                try:
                    async with asyncio.timeout_at(_loop_time(min(deadline, end))):
                        chunk = await anext(chunks, None)
                except TimeoutError as exc:
                    if time.monotonic() >= end:
                        what, limit = "the end of its answer", total_s
                    raise self._late(what, limit) from exc
                if chunk is None:
                    return
                text, alive = chunk
                if alive:  # an empty piece that only keeps the line open moves no deadline
                    what, limit = "its next word", s.gap_s
                    deadline = time.monotonic() + limit
                if text:
                    yield text

    def _late(self, what: str, limit: float) -> ModelTimeout:
        return ModelTimeout(
            f"{self.model!r} at {self.url!r} did not send {what} within {limit:g} seconds; check "
            "that it is not overloaded, or raise the deadlines under llm in the settings"
        )

    def _cut(self) -> ModelBroke:
        return ModelBroke(f"the answer of {self.model!r} at {self.url!r} was cut off; ask again")

    async def _chunks(
        self, messages: list[Role], max_tokens: int
    ) -> AsyncGenerator[tuple[str, bool], None]:
        """Pieces as ``(text, alive)``; ``alive`` also for thoughts that a server sends apart."""
        reason = None
        async with transport(self.settings, self.url) as http:
            model = make_chat_model(
                self.settings, self.url, self.model, http, max_tokens=max_tokens
            )
            async with aclosing(_stream(model, messages)) as chunks:
                async for chunk in chunks:
                    reason = chunk.response_metadata.get("finish_reason") or reason
                    text = str(chunk.text)
                    yield text, bool(text or chunk.additional_kwargs)
        if reason is None:
            raise self._cut()


def _stream(model: Any, messages: list[Role]) -> Any:
    """LangChain's stream; typed loosely because its annotation hides that it is a generator."""
    return model.astream(messages)


def _loop_time(monotonic: float) -> float:
    """A ``time.monotonic()`` instant on the running loop's clock."""
    return asyncio.get_running_loop().time() + monotonic - time.monotonic()
