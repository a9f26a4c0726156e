"""One request to a language model server: its reply in pieces, under four deadlines.

Connecting, the first piece of text, the gap between two pieces, the whole reply. At most one retry,
and only before the first piece; every failure leaves as one of our errors. Cancelling it closes the
connection. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from agents.models.chat_model import context_error, may_pass, model_error
from agents.prompts import Role
from agents.records.answers import Usage
from agents.settings import LLMSettings
from corpus.errors import ModelBroke, ModelTimeout, ModelUnavailable

__all__ = ["Exchange"]

_RETRY_AFTER_S = 0.3


class _Server(Protocol):
    """Who is asked; ``agents.models.openai_engine.OpenAIEngine`` is one."""

    settings: LLMSettings
    url: str
    model: str

    def transport(self) -> Any:
        """An HTTP client for one stream, of ``agents.models.chat_model.transport``."""
        ...

    def chat_model(self, http: Any, **options: Any) -> Any:
        """The LangChain model over it."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """``max_tokens`` is the longest reply, ``body`` holds further fields of the request."""

    server: _Server
    messages: list[Role]
    max_tokens: int
    total_s: float
    body: dict[str, Any]

    async def pieces(self) -> AsyncGenerator[str | Usage, None]:
        """The reply, every failure as one of our errors; asked once more if nothing had come."""
        for last in (False, True):
            started = False
            try:
                async with aclosing(self._timed()) as pieces:
                    async for piece in pieces:
                        started = True
                        yield piece
                return
            except Exception as exc:
                where = self.server.url, self.server.model
                error = context_error(exc, *where) or model_error(exc, *where)
                if error is None:
                    raise
                if started and isinstance(error, ModelUnavailable):
                    raise self._cut() from exc
                if last or started or not may_pass(exc):
                    raise error from exc.__cause__ if error is exc else exc
                await asyncio.sleep(_RETRY_AFTER_S)

    async def _timed(self) -> AsyncGenerator[str | Usage, None]:
        """The reply under its deadlines; raises ``ModelTimeout`` that names the one that passed."""
        s = self.server.settings
        what, limit = "its first word", s.first_token_s
        async with self.server.transport() as http, aclosing(self._chunks(http)) as chunks:
            end = time.monotonic() + self.total_s
            deadline = time.monotonic() + limit
            while True:
                try:
                    async with asyncio.timeout_at(_loop_time(min(deadline, end))) as patience:
                        if deadline < end:
                            http.overdue = patience.expired
                        chunk = await anext(chunks, None)
                except TimeoutError as exc:
                    if time.monotonic() >= end:
                        what, limit = "the end of its answer", self.total_s
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
            f"{self.server.model!r} at {self.server.url!r} did not send {what} within {limit:g} seconds; check "
            "that it is not overloaded, or raise the deadlines under llm in the settings"
        )

    def _cut(self) -> ModelBroke:
        return ModelBroke(
            f"the answer of {self.server.model!r} at {self.server.url!r} was cut off; ask again"
        )

    async def _chunks(self, http: Any) -> AsyncGenerator[tuple[str | Usage, bool], None]:
        """Pieces as ``(text, alive)``; ``alive`` also for thoughts that a server sends apart."""
        reason = None
        model = self.server.chat_model(http, max_tokens=self.max_tokens, body=self.body)
        async with aclosing(_stream(model, self.messages)) as chunks:
            async for chunk in chunks:
                reason = chunk.response_metadata.get("finish_reason") or reason
                text = str(chunk.text)
                yield text, bool(text or chunk.additional_kwargs)
                if cost := chunk.usage_metadata:
                    yield Usage(cost["input_tokens"], cost["output_tokens"]), True
        if reason is None:
            raise self._cut()


def _stream(model: Any, messages: list[Role]) -> Any:
    """LangChain's stream; typed loosely because its annotation hides that it is a generator."""
    return model.astream(messages)


def _loop_time(monotonic: float) -> float:
    """A ``time.monotonic()`` instant on the running loop's clock."""
    return asyncio.get_running_loop().time() + monotonic - time.monotonic()
